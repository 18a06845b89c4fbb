"""The API reference that the sandbox serves."""

from importlib.resources import files

PLACE = "liveperson_engagement/sandbox/reference"

datas = [(str(files("liveperson_engagement.sandbox").joinpath("reference")), PLACE)]
