# Written by scripts/generate from openapi.yaml. Do not edit: change the contract and run scripts/generate.
# openapi-python-client 0.29.1, datamodel-code-generator 0.89.0, ruff 0.17.6

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.customer_info import CustomerInfo


T = TypeVar("T", bound="CustomerInfoAttribute")


@_attrs_define
class CustomerInfoAttribute:
    """The visitor as the brand's customer."""

    type_: Literal["ctmrinfo"] = "ctmrinfo"
    """ Tells this attribute apart. """
    info: CustomerInfo | Unset = UNSET
    """ The visitor as the brand's customer. """
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
        from ..models.customer_info import CustomerInfo

        d = dict(src_dict)
        type_ = cast(Literal["ctmrinfo"], d.pop("type"))
        if type_ != "ctmrinfo":
            raise ValueError(f"type must match const 'ctmrinfo', got '{type_}'")

        _info = d.pop("info", UNSET)
        info: CustomerInfo | Unset
        if isinstance(_info, Unset):
            info = UNSET
        else:
            info = CustomerInfo.from_dict(_info)

        customer_info_attribute = cls(
            type_=type_,
            info=info,
        )

        customer_info_attribute.additional_properties = d
        return customer_info_attribute

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
