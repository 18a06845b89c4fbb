# Written by scripts/generate from openapi.yaml. Do not edit: change the contract and run scripts/generate.
# openapi-python-client 0.29.1, datamodel-code-generator 0.89.0, ruff 0.17.6

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="ErrorEntity")


@_attrs_define
class ErrorEntity:
    """Why a request failed."""

    time: int
    """ When it failed, in milliseconds since 1970-01-01 UTC. """
    internal_code: int
    """ Narrows the status down, and new ones may appear. Known: 400 with 33 illegal API version, 5 data missing or
    invalid; 404 with 37 invalid visitorId, 39 invalid sessionId, 18 unknown app installation; 500 with 20 account
    not loaded yet, 18 internal. """
    message: str | Unset = UNSET
    """ For people. May contain a visitor id: keep it out of logs. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        time = self.time

        internal_code = self.internal_code

        message = self.message

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "time": time,
                "internalCode": internal_code,
            }
        )
        if message is not UNSET:
            field_dict["message"] = message

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        time = d.pop("time")

        internal_code = d.pop("internalCode")

        message = d.pop("message", UNSET)

        error_entity = cls(
            time=time,
            internal_code=internal_code,
            message=message,
        )

        error_entity.additional_properties = d
        return error_entity

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
