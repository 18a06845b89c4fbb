# Written by scripts/generate from openapi.yaml. Do not edit: change the contract and run scripts/generate.
# openapi-python-client 0.29.1, datamodel-code-generator 0.89.0, ruff 0.17.6

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.product_line import ProductLine


T = TypeVar("T", bound="PurchasedCart")


@_attrs_define
class PurchasedCart:
    """The cart that was bought."""

    products: list[ProductLine]
    """ Products, each with its quantity. """
    num_items: int | Unset = UNSET
    """ Number of items. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        products = []
        for componentsschemas_product_lines_item_data in self.products:
            componentsschemas_product_lines_item = componentsschemas_product_lines_item_data.to_dict()
            products.append(componentsschemas_product_lines_item)

        num_items = self.num_items

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "products": products,
            }
        )
        if num_items is not UNSET:
            field_dict["numItems"] = num_items

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.product_line import ProductLine

        d = dict(src_dict)
        products = []
        _products = d.pop("products")
        for componentsschemas_product_lines_item_data in _products:
            componentsschemas_product_lines_item = ProductLine.from_dict(componentsschemas_product_lines_item_data)

            products.append(componentsschemas_product_lines_item)

        num_items = d.pop("numItems", UNSET)

        purchased_cart = cls(
            products=products,
            num_items=num_items,
        )

        purchased_cart.additional_properties = d
        return purchased_cart

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
