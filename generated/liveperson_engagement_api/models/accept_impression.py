# Written by scripts/generate from openapi.yaml. Do not edit: change the contract and run scripts/generate.
# openapi-python-client 0.29.1, datamodel-code-generator 0.89.0, ruff 0.17.6

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.engagement_context import EngagementContext


T = TypeVar("T", bound="AcceptImpression")


@_attrs_define
class AcceptImpression:
    """The visitor clicked on the engagement."""

    campaign: int
    """ The engagement's campaignId. """
    eng_id: int
    """ The engagement's engagementId. """
    revision: int
    """ The engagement's engagementRevision. """
    e_context: list[EngagementContext]
    """ The contexts in which the engagement was offered. """
    type_: Literal["impAccept"] = "impAccept"
    """ Tells this event apart. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        type_ = self.type_

        campaign = self.campaign

        eng_id = self.eng_id

        revision = self.revision

        e_context = []
        for componentsschemas_engagement_contexts_item_data in self.e_context:
            componentsschemas_engagement_contexts_item = componentsschemas_engagement_contexts_item_data.to_dict()
            e_context.append(componentsschemas_engagement_contexts_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "type": type_,
                "campaign": campaign,
                "engId": eng_id,
                "revision": revision,
                "eContext": e_context,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.engagement_context import EngagementContext

        d = dict(src_dict)
        type_ = cast(Literal["impAccept"], d.pop("type"))
        if type_ != "impAccept":
            raise ValueError(f"type must match const 'impAccept', got '{type_}'")

        campaign = d.pop("campaign")

        eng_id = d.pop("engId")

        revision = d.pop("revision")

        e_context = []
        _e_context = d.pop("eContext")
        for componentsschemas_engagement_contexts_item_data in _e_context:
            componentsschemas_engagement_contexts_item = EngagementContext.from_dict(
                componentsschemas_engagement_contexts_item_data
            )

            e_context.append(componentsschemas_engagement_contexts_item)

        accept_impression = cls(
            type_=type_,
            campaign=campaign,
            eng_id=eng_id,
            revision=revision,
            e_context=e_context,
        )

        accept_impression.additional_properties = d
        return accept_impression

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
