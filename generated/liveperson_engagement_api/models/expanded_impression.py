# Written by scripts/generate from openapi.yaml. Do not edit: change the contract and run scripts/generate.
# openapi-python-client 0.29.1, datamodel-code-generator 0.89.0, ruff 0.17.6

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="ExpandedImpression")


@_attrs_define
class ExpandedImpression:
    """The engagement was expanded."""

    campaign: int
    """ The engagement's campaignId. """
    eng_id: int
    """ The engagement's engagementId. """
    revision: int
    """ The engagement's engagementRevision. """
    type_: Literal["impExpanded"] = "impExpanded"
    """ Tells this event apart. """
    expanded: Any | Unset = UNSET
    """ May be null. The vendor gives no type. """
    user_init: Any | Unset = UNSET
    """ Whether the visitor caused it. May be null. The vendor gives no type. """
    actionable_items: Any | Unset = UNSET
    """ What the visitor can act on. May be null. The vendor gives no type. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        type_ = self.type_

        campaign = self.campaign

        eng_id = self.eng_id

        revision = self.revision

        expanded = self.expanded

        user_init = self.user_init

        actionable_items = self.actionable_items

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
        if expanded is not UNSET:
            field_dict["expanded"] = expanded
        if user_init is not UNSET:
            field_dict["userInit"] = user_init
        if actionable_items is not UNSET:
            field_dict["actionableItems"] = actionable_items

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        type_ = cast(Literal["impExpanded"], d.pop("type"))
        if type_ != "impExpanded":
            raise ValueError(f"type must match const 'impExpanded', got '{type_}'")

        campaign = d.pop("campaign")

        eng_id = d.pop("engId")

        revision = d.pop("revision")

        expanded = d.pop("expanded", UNSET)

        user_init = d.pop("userInit", UNSET)

        actionable_items = d.pop("actionableItems", UNSET)

        expanded_impression = cls(
            type_=type_,
            campaign=campaign,
            eng_id=eng_id,
            revision=revision,
            expanded=expanded,
            user_init=user_init,
            actionable_items=actionable_items,
        )

        expanded_impression.additional_properties = d
        return expanded_impression

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
