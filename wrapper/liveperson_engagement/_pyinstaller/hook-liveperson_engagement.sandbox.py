"""The pages that the sandbox serves."""

from importlib.resources import files

PLACE = "liveperson_engagement/sandbox/page"

datas = [(str(files("liveperson_engagement.sandbox").joinpath("page")), PLACE)]
