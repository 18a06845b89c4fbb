# Written by scripts/generate from openapi.yaml. Do not edit: change the contract and run scripts/generate.
# openapi-python-client 0.29.1, datamodel-code-generator 0.89.0, ruff 0.17.6

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.product_line import ProductLine


T = TypeVar("T", bound="CartAttribute")


@_attrs_define
class CartAttribute:
    """What lies in the shopping cart."""

    total: float
    """ Total amount. """
    num_items: int
    """ Number of items. """
    type_: Literal["cart"] = "cart"
    """ Tells this attribute apart. """
    currency: str | Unset = UNSET
    """ Currency of the amounts beside it, such as USD. """
    products: list[ProductLine] | Unset = UNSET
    """ Products, each with its quantity. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        type_ = self.type_

        total = self.total

        num_items = self.num_items

        currency = self.currency

        products: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.products, Unset):
            products = []
            for componentsschemas_product_lines_item_data in self.products:
                componentsschemas_product_lines_item = componentsschemas_product_lines_item_data.to_dict()
                products.append(componentsschemas_product_lines_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "type": type_,
                "total": total,
                "numItems": num_items,
            }
        )
        if currency is not UNSET:
            field_dict["currency"] = currency
        if products is not UNSET:
            field_dict["products"] = products

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.product_line import ProductLine

        d = dict(src_dict)
        type_ = cast(Literal["cart"], d.pop("type"))
        if type_ != "cart":
            raise ValueError(f"type must match const 'cart', got '{type_}'")

        total = d.pop("total")

        num_items = d.pop("numItems")

        currency = d.pop("currency", UNSET)

        _products = d.pop("products", UNSET)
        products: list[ProductLine] | Unset = UNSET
        if _products is not UNSET:
            products = []
            for componentsschemas_product_lines_item_data in _products:
                componentsschemas_product_lines_item = ProductLine.from_dict(componentsschemas_product_lines_item_data)

                products.append(componentsschemas_product_lines_item)

        cart_attribute = cls(
            type_=type_,
            total=total,
            num_items=num_items,
            currency=currency,
            products=products,
        )

        cart_attribute.additional_properties = d
        return cart_attribute

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
