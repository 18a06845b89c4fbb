# Written by scripts/generate from openapi.yaml. Do not edit: change the contract and run scripts/generate.
# openapi-python-client 0.29.1, datamodel-code-generator 0.89.0, ruff 0.17.6

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="CloseImpression")


@_attrs_define
class CloseImpression:
    """The visitor closed the engagement."""

    campaign: int
    """ The engagement's campaignId. """
    eng_id: int
    """ The engagement's engagementId. """
    revision: int
    """ The engagement's engagementRevision. """
    type_: Literal["impClose"] = "impClose"
    """ Tells this event apart. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        type_ = self.type_

        campaign = self.campaign

        eng_id = self.eng_id

        revision = self.revision

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "type": type_,
                "campaign": campaign,
                "engId": eng_id,
                "revision": revision,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        type_ = cast(Literal["impClose"], d.pop("type"))
        if type_ != "impClose":
            raise ValueError(f"type must match const 'impClose', got '{type_}'")

        campaign = d.pop("campaign")

        eng_id = d.pop("engId")

        revision = d.pop("revision")

        close_impression = cls(
            type_=type_,
            campaign=campaign,
            eng_id=eng_id,
            revision=revision,
        )

        close_impression.additional_properties = d
        return close_impression

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
