# Written by scripts/generate from openapi.yaml. Do not edit: change the contract and run scripts/generate.
# openapi-python-client 0.29.1, datamodel-code-generator 0.89.0, ruff 0.17.6

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="EngagementDetails")


@_attrs_define
class EngagementDetails:
    """The engagement that may be shown."""

    campaign_id: int
    """ A 64-bit id, written as a JSON number or as a string of digits. Keep every digit. """
    engagement_id: int
    """ A 64-bit id, written as a JSON number or as a string of digits. Keep every digit. """
    context_id: str
    """ Names the context in which the engagement was offered; impression events repeat it. """
    window_id: str
    """ Names the window configuration of the engagement. """
    language: str
    """ Language of the engagement, such as en-US. """
    engagement_revision: int
    """ Revision of the engagement. """
    valid_for_seconds: float
    """ How long the engagement may be shown, in seconds from this answer. """
    skill_id: int | Unset = UNSET
    """ The skill that conversations from this engagement go to. """
    skill_name: str | Unset = UNSET
    """ Name of that skill. """
    connector_id: int | Unset = UNSET
    """ A 64-bit id, written as a JSON number or as a string of digits. Keep every digit. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        campaign_id = self.campaign_id

        engagement_id = self.engagement_id

        context_id = self.context_id

        window_id = self.window_id

        language = self.language

        engagement_revision = self.engagement_revision

        valid_for_seconds = self.valid_for_seconds

        skill_id = self.skill_id

        skill_name = self.skill_name

        connector_id = self.connector_id

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "campaignId": campaign_id,
                "engagementId": engagement_id,
                "contextId": context_id,
                "windowId": window_id,
                "language": language,
                "engagementRevision": engagement_revision,
                "validForSeconds": valid_for_seconds,
            }
        )
        if skill_id is not UNSET:
            field_dict["skillId"] = skill_id
        if skill_name is not UNSET:
            field_dict["skillName"] = skill_name
        if connector_id is not UNSET:
            field_dict["connectorId"] = connector_id

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        campaign_id = d.pop("campaignId")

        engagement_id = d.pop("engagementId")

        context_id = d.pop("contextId")

        window_id = d.pop("windowId")

        language = d.pop("language")

        engagement_revision = d.pop("engagementRevision")

        valid_for_seconds = d.pop("validForSeconds")

        skill_id = d.pop("skillId", UNSET)

        skill_name = d.pop("skillName", UNSET)

        connector_id = d.pop("connectorId", UNSET)

        engagement_details = cls(
            campaign_id=campaign_id,
            engagement_id=engagement_id,
            context_id=context_id,
            window_id=window_id,
            language=language,
            engagement_revision=engagement_revision,
            valid_for_seconds=valid_for_seconds,
            skill_id=skill_id,
            skill_name=skill_name,
            connector_id=connector_id,
        )

        engagement_details.additional_properties = d
        return engagement_details

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
