# Written by scripts/generate from openapi.yaml. Do not edit: change the contract and run scripts/generate.
# openapi-python-client 0.29.1, datamodel-code-generator 0.89.0, ruff 0.17.6

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.marketing_info import MarketingInfo


T = TypeVar("T", bound="MarketingInfoAttribute")


@_attrs_define
class MarketingInfoAttribute:
    """Where the visitor came from."""

    type_: Literal["mrktInfo"] = "mrktInfo"
    """ Tells this attribute apart. """
    info: MarketingInfo | Unset = UNSET
    """ Where the visitor came from. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        type_ = self.type_

        info: dict[str, Any] | Unset = UNSET
        if not isinstance(self.info, Unset):
            info = self.info.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "type": type_,
            }
        )
        if info is not UNSET:
            field_dict["info"] = info

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.marketing_info import MarketingInfo

        d = dict(src_dict)
        type_ = cast(Literal["mrktInfo"], d.pop("type"))
        if type_ != "mrktInfo":
            raise ValueError(f"type must match const 'mrktInfo', got '{type_}'")

        _info = d.pop("info", UNSET)
        info: MarketingInfo | Unset
        if isinstance(_info, Unset):
            info = UNSET
        else:
            info = MarketingInfo.from_dict(_info)

        marketing_info_attribute = cls(
            type_=type_,
            info=info,
        )

        marketing_info_attribute.additional_properties = d
        return marketing_info_attribute

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
