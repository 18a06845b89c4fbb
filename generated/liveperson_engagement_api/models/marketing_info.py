# Written by scripts/generate from openapi.yaml. Do not edit: change the contract and run scripts/generate.
# openapi-python-client 0.29.1, datamodel-code-generator 0.89.0, ruff 0.17.6

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="MarketingInfo")


@_attrs_define
class MarketingInfo:
    """Where the visitor came from."""

    channel: int | str | Unset = UNSET
    """ How the visitor came, as a number or a quoted digit: 0 direct, 1 search, 2 social, 3 email, 4 referral, 5
    paid search, 6 display. """
    affiliate: str | Unset = UNSET
    """ Affiliate that sent the visitor. """
    campaign_id: str | Unset = UNSET
    """ The brand's own name of its marketing campaign. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        channel: int | str | Unset
        if isinstance(self.channel, Unset):
            channel = UNSET
        else:
            channel = self.channel

        affiliate = self.affiliate

        campaign_id = self.campaign_id

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({})
        if channel is not UNSET:
            field_dict["channel"] = channel
        if affiliate is not UNSET:
            field_dict["affiliate"] = affiliate
        if campaign_id is not UNSET:
            field_dict["campaignId"] = campaign_id

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)

        def _parse_channel(data: object) -> int | str | Unset:
            if isinstance(data, Unset):
                return data
            return cast(int | str | Unset, data)

        channel = _parse_channel(d.pop("channel", UNSET))

        affiliate = d.pop("affiliate", UNSET)

        campaign_id = d.pop("campaignId", UNSET)

        marketing_info = cls(
            channel=channel,
            affiliate=affiliate,
            campaign_id=campaign_id,
        )

        marketing_info.additional_properties = d
        return marketing_info

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
