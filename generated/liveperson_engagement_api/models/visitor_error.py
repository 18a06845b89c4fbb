# Written by scripts/generate from openapi.yaml. Do not edit: change the contract and run scripts/generate.
# openapi-python-client 0.29.1, datamodel-code-generator 0.89.0, ruff 0.17.6

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="VisitorError")


@_attrs_define
class VisitorError:
    """What went wrong for the visitor."""

    context_id: str | Unset = UNSET
    """ Where it happened. """
    message: str | Unset = UNSET
    """ What the visitor was told. """
    code: str | Unset = UNSET
    """ The brand's own error code. """
    level: int | Unset = UNSET
    """ How bad it is, in the brand's own numbers. """
    resolved: bool | Unset = UNSET
    """ Whether it has been put right. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        context_id = self.context_id

        message = self.message

        code = self.code

        level = self.level

        resolved = self.resolved

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({})
        if context_id is not UNSET:
            field_dict["contextId"] = context_id
        if message is not UNSET:
            field_dict["message"] = message
        if code is not UNSET:
            field_dict["code"] = code
        if level is not UNSET:
            field_dict["level"] = level
        if resolved is not UNSET:
            field_dict["resolved"] = resolved

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        context_id = d.pop("contextId", UNSET)

        message = d.pop("message", UNSET)

        code = d.pop("code", UNSET)

        level = d.pop("level", UNSET)

        resolved = d.pop("resolved", UNSET)

        visitor_error = cls(
            context_id=context_id,
            message=message,
            code=code,
            level=level,
            resolved=resolved,
        )

        visitor_error.additional_properties = d
        return visitor_error

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
