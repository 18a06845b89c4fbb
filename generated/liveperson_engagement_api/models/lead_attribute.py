# Written by scripts/generate from openapi.yaml. Do not edit: change the contract and run scripts/generate.
# openapi-python-client 0.29.1, datamodel-code-generator 0.89.0, ruff 0.17.6

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.lead import Lead


T = TypeVar("T", bound="LeadAttribute")


@_attrs_define
class LeadAttribute:
    """Interest that sales may follow."""

    type_: Literal["lead"] = "lead"
    """ Tells this attribute apart. """
    lead: Lead | Unset = UNSET
    """ Interest that sales may follow. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        type_ = self.type_

        lead: dict[str, Any] | Unset = UNSET
        if not isinstance(self.lead, Unset):
            lead = self.lead.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "type": type_,
            }
        )
        if lead is not UNSET:
            field_dict["lead"] = lead

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.lead import Lead

        d = dict(src_dict)
        type_ = cast(Literal["lead"], d.pop("type"))
        if type_ != "lead":
            raise ValueError(f"type must match const 'lead', got '{type_}'")

        _lead = d.pop("lead", UNSET)
        lead: Lead | Unset
        if isinstance(_lead, Unset):
            lead = UNSET
        else:
            lead = Lead.from_dict(_lead)

        lead_attribute = cls(
            type_=type_,
            lead=lead,
        )

        lead_attribute.additional_properties = d
        return lead_attribute

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
