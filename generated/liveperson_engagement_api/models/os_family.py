# Written by scripts/generate from openapi.yaml. Do not edit: change the contract and run scripts/generate.
# openapi-python-client 0.29.1, datamodel-code-generator 0.89.0, ruff 0.17.6

from enum import StrEnum


class OsFamily(StrEnum):
    ANDROID = "ANDROID"
    IOS = "IOS"
    LINUX = "LINUX"
    MAC_OSX = "MAC_OSX"
    WINDOWS = "WINDOWS"

    def __str__(self) -> str:
        return str(self.value)
