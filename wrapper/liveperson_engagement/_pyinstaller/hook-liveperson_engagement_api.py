"""The contract, and the operations, which are imported by their names."""

from importlib.resources import files
from pkgutil import walk_packages

import liveperson_engagement_api

NAME = "liveperson_engagement_api"

datas = [(str(files(NAME).joinpath("openapi.json")), NAME)]
hiddenimports = [module.name for module in walk_packages(liveperson_engagement_api.__path__, f"{NAME}.")]
