# Written by scripts/generate from openapi.yaml. Do not edit: change the contract and run scripts/generate.
# openapi-python-client 0.29.1, datamodel-code-generator 0.89.0, ruff 0.17.6

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="TimeoutImpression")


@_attrs_define
class TimeoutImpression:
    """The engagement went away by itself."""

    campaign: int
    """ The engagement's campaignId. """
    eng_id: int
    """ The engagement's engagementId. """
    revision: int
    """ The engagement's engagementRevision. """
    type_: Literal["impTimeout"] = "impTimeout"
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
        type_ = cast(Literal["impTimeout"], d.pop("type"))
        if type_ != "impTimeout":
            raise ValueError(f"type must match const 'impTimeout', got '{type_}'")

        campaign = d.pop("campaign")

        eng_id = d.pop("engId")

        revision = d.pop("revision")

        timeout_impression = cls(
            type_=type_,
            campaign=campaign,
            eng_id=eng_id,
            revision=revision,
        )

        timeout_impression.additional_properties = d
        return timeout_impression

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
