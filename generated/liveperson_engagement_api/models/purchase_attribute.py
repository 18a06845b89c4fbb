# Written by scripts/generate from openapi.yaml. Do not edit: change the contract and run scripts/generate.
# openapi-python-client 0.29.1, datamodel-code-generator 0.89.0, ruff 0.17.6

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.purchased_cart import PurchasedCart


T = TypeVar("T", bound="PurchaseAttribute")


@_attrs_define
class PurchaseAttribute:
    """What was bought."""

    type_: Literal["purchase"] = "purchase"
    """ Tells this attribute apart. """
    total: float | Unset = UNSET
    """ Total amount. """
    currency: str | Unset = UNSET
    """ Currency of the amounts beside it, such as USD. """
    order_id: str | Unset = UNSET
    """ The brand's own id of the order. """
    cart: PurchasedCart | Unset = UNSET
    """ The cart that was bought. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        type_ = self.type_

        total = self.total

        currency = self.currency

        order_id = self.order_id

        cart: dict[str, Any] | Unset = UNSET
        if not isinstance(self.cart, Unset):
            cart = self.cart.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "type": type_,
            }
        )
        if total is not UNSET:
            field_dict["total"] = total
        if currency is not UNSET:
            field_dict["currency"] = currency
        if order_id is not UNSET:
            field_dict["orderId"] = order_id
        if cart is not UNSET:
            field_dict["cart"] = cart

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.purchased_cart import PurchasedCart

        d = dict(src_dict)
        type_ = cast(Literal["purchase"], d.pop("type"))
        if type_ != "purchase":
            raise ValueError(f"type must match const 'purchase', got '{type_}'")

        total = d.pop("total", UNSET)

        currency = d.pop("currency", UNSET)

        order_id = d.pop("orderId", UNSET)

        _cart = d.pop("cart", UNSET)
        cart: PurchasedCart | Unset
        if isinstance(_cart, Unset):
            cart = UNSET
        else:
            cart = PurchasedCart.from_dict(_cart)

        purchase_attribute = cls(
            type_=type_,
            total=total,
            currency=currency,
            order_id=order_id,
            cart=cart,
        )

        purchase_attribute.additional_properties = d
        return purchase_attribute

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
