# Written by scripts/generate from openapi.yaml. Do not edit: change the contract and run scripts/generate.
# openapi-python-client 0.29.1, datamodel-code-generator 0.89.0, ruff 0.17.6

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.personal import Personal


T = TypeVar("T", bound="PersonalAttribute")


@_attrs_define
class PersonalAttribute:
    """Who the visitor is."""

    type_: Literal["personal"] = "personal"
    """ Tells this attribute apart. """
    personal: Personal | Unset = UNSET
    """ Who the visitor is. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        type_ = self.type_

        personal: dict[str, Any] | Unset = UNSET
        if not isinstance(self.personal, Unset):
            personal = self.personal.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "type": type_,
            }
        )
        if personal is not UNSET:
            field_dict["personal"] = personal

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.personal import Personal

        d = dict(src_dict)
        type_ = cast(Literal["personal"], d.pop("type"))
        if type_ != "personal":
            raise ValueError(f"type must match const 'personal', got '{type_}'")

        _personal = d.pop("personal", UNSET)
        personal: Personal | Unset
        if isinstance(_personal, Unset):
            personal = UNSET
        else:
            personal = Personal.from_dict(_personal)

        personal_attribute = cls(
            type_=type_,
            personal=personal,
        )

        personal_attribute.additional_properties = d
        return personal_attribute

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
