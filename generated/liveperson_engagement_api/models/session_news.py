# Written by scripts/generate from openapi.yaml. Do not edit: change the contract and run scripts/generate.
# openapi-python-client 0.29.1, datamodel-code-generator 0.89.0, ruff 0.17.6

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.accept_impression import AcceptImpression
    from ..models.cart_attribute import CartAttribute
    from ..models.close_impression import CloseImpression
    from ..models.customer_info_attribute import CustomerInfoAttribute
    from ..models.display_impression import DisplayImpression
    from ..models.error_attribute import ErrorAttribute
    from ..models.expanded_impression import ExpandedImpression
    from ..models.lead_attribute import LeadAttribute
    from ..models.marketing_info_attribute import MarketingInfoAttribute
    from ..models.personal_attribute import PersonalAttribute
    from ..models.product_view_attribute import ProductViewAttribute
    from ..models.purchase_attribute import PurchaseAttribute
    from ..models.search_attribute import SearchAttribute
    from ..models.service_attribute import ServiceAttribute
    from ..models.timeout_impression import TimeoutImpression


T = TypeVar("T", bound="SessionNews")


@_attrs_define
class SessionNews:
    """What is new in a session: attributes, impression events, or both."""

    imp_attributes: (
        list[AcceptImpression | CloseImpression | DisplayImpression | ExpandedImpression | TimeoutImpression] | Unset
    ) = UNSET
    """ What the visitor did with the engagement. """
    engagement_attributes: (
        list[
            CartAttribute
            | CustomerInfoAttribute
            | ErrorAttribute
            | LeadAttribute
            | MarketingInfoAttribute
            | PersonalAttribute
            | ProductViewAttribute
            | PurchaseAttribute
            | SearchAttribute
            | ServiceAttribute
        ]
        | Unset
    ) = UNSET
    """ What is known of the visitor. Impression events do not belong here. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.accept_impression import AcceptImpression
        from ..models.cart_attribute import CartAttribute
        from ..models.customer_info_attribute import CustomerInfoAttribute
        from ..models.display_impression import DisplayImpression
        from ..models.error_attribute import ErrorAttribute
        from ..models.expanded_impression import ExpandedImpression
        from ..models.lead_attribute import LeadAttribute
        from ..models.marketing_info_attribute import MarketingInfoAttribute
        from ..models.personal_attribute import PersonalAttribute
        from ..models.product_view_attribute import ProductViewAttribute
        from ..models.purchase_attribute import PurchaseAttribute
        from ..models.service_attribute import ServiceAttribute
        from ..models.timeout_impression import TimeoutImpression

        imp_attributes: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.imp_attributes, Unset):
            imp_attributes = []
            for imp_attributes_item_data in self.imp_attributes:
                imp_attributes_item: dict[str, Any]
                if (
                    isinstance(imp_attributes_item_data, DisplayImpression)
                    or isinstance(imp_attributes_item_data, AcceptImpression)
                    or isinstance(imp_attributes_item_data, ExpandedImpression)
                    or isinstance(imp_attributes_item_data, TimeoutImpression)
                ):
                    imp_attributes_item = imp_attributes_item_data.to_dict()
                else:
                    imp_attributes_item = imp_attributes_item_data.to_dict()

                imp_attributes.append(imp_attributes_item)

        engagement_attributes: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.engagement_attributes, Unset):
            engagement_attributes = []
            for componentsschemas_engagement_attributes_item_data in self.engagement_attributes:
                componentsschemas_engagement_attributes_item: dict[str, Any]
                if (
                    isinstance(componentsschemas_engagement_attributes_item_data, PersonalAttribute)
                    or isinstance(componentsschemas_engagement_attributes_item_data, CustomerInfoAttribute)
                    or isinstance(componentsschemas_engagement_attributes_item_data, MarketingInfoAttribute)
                    or isinstance(componentsschemas_engagement_attributes_item_data, CartAttribute)
                    or isinstance(componentsschemas_engagement_attributes_item_data, PurchaseAttribute)
                    or isinstance(componentsschemas_engagement_attributes_item_data, ProductViewAttribute)
                    or isinstance(componentsschemas_engagement_attributes_item_data, LeadAttribute)
                    or isinstance(componentsschemas_engagement_attributes_item_data, ServiceAttribute)
                    or isinstance(componentsschemas_engagement_attributes_item_data, ErrorAttribute)
                ):
                    componentsschemas_engagement_attributes_item = (
                        componentsschemas_engagement_attributes_item_data.to_dict()
                    )
                else:
                    componentsschemas_engagement_attributes_item = (
                        componentsschemas_engagement_attributes_item_data.to_dict()
                    )

                engagement_attributes.append(componentsschemas_engagement_attributes_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({})
        if imp_attributes is not UNSET:
            field_dict["impAttributes"] = imp_attributes
        if engagement_attributes is not UNSET:
            field_dict["engagementAttributes"] = engagement_attributes

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.accept_impression import AcceptImpression
        from ..models.cart_attribute import CartAttribute
        from ..models.close_impression import CloseImpression
        from ..models.customer_info_attribute import CustomerInfoAttribute
        from ..models.display_impression import DisplayImpression
        from ..models.error_attribute import ErrorAttribute
        from ..models.expanded_impression import ExpandedImpression
        from ..models.lead_attribute import LeadAttribute
        from ..models.marketing_info_attribute import MarketingInfoAttribute
        from ..models.personal_attribute import PersonalAttribute
        from ..models.product_view_attribute import ProductViewAttribute
        from ..models.purchase_attribute import PurchaseAttribute
        from ..models.search_attribute import SearchAttribute
        from ..models.service_attribute import ServiceAttribute
        from ..models.timeout_impression import TimeoutImpression

        d = dict(src_dict)
        _imp_attributes = d.pop("impAttributes", UNSET)
        imp_attributes: (
            list[AcceptImpression | CloseImpression | DisplayImpression | ExpandedImpression | TimeoutImpression]
            | Unset
        ) = UNSET
        if _imp_attributes is not UNSET:
            imp_attributes = []
            for imp_attributes_item_data in _imp_attributes:

                def _parse_imp_attributes_item(
                    data: object,
                ) -> AcceptImpression | CloseImpression | DisplayImpression | ExpandedImpression | TimeoutImpression:
                    try:
                        if not isinstance(data, dict):
                            raise TypeError()
                        componentsschemas_impression_event_type_0 = DisplayImpression.from_dict(data)

                        return componentsschemas_impression_event_type_0
                    except (TypeError, ValueError, AttributeError, KeyError):
                        pass
                    try:
                        if not isinstance(data, dict):
                            raise TypeError()
                        componentsschemas_impression_event_type_1 = AcceptImpression.from_dict(data)

                        return componentsschemas_impression_event_type_1
                    except (TypeError, ValueError, AttributeError, KeyError):
                        pass
                    try:
                        if not isinstance(data, dict):
                            raise TypeError()
                        componentsschemas_impression_event_type_2 = ExpandedImpression.from_dict(data)

                        return componentsschemas_impression_event_type_2
                    except (TypeError, ValueError, AttributeError, KeyError):
                        pass
                    try:
                        if not isinstance(data, dict):
                            raise TypeError()
                        componentsschemas_impression_event_type_3 = TimeoutImpression.from_dict(data)

                        return componentsschemas_impression_event_type_3
                    except (TypeError, ValueError, AttributeError, KeyError):
                        pass
                    if not isinstance(data, dict):
                        raise TypeError()
                    componentsschemas_impression_event_type_4 = CloseImpression.from_dict(data)

                    return componentsschemas_impression_event_type_4

                imp_attributes_item = _parse_imp_attributes_item(imp_attributes_item_data)

                imp_attributes.append(imp_attributes_item)

        _engagement_attributes = d.pop("engagementAttributes", UNSET)
        engagement_attributes: (
            list[
                CartAttribute
                | CustomerInfoAttribute
                | ErrorAttribute
                | LeadAttribute
                | MarketingInfoAttribute
                | PersonalAttribute
                | ProductViewAttribute
                | PurchaseAttribute
                | SearchAttribute
                | ServiceAttribute
            ]
            | Unset
        ) = UNSET
        if _engagement_attributes is not UNSET:
            engagement_attributes = []
            for componentsschemas_engagement_attributes_item_data in _engagement_attributes:

                def _parse_componentsschemas_engagement_attributes_item(
                    data: object,
                ) -> (
                    CartAttribute
                    | CustomerInfoAttribute
                    | ErrorAttribute
                    | LeadAttribute
                    | MarketingInfoAttribute
                    | PersonalAttribute
                    | ProductViewAttribute
                    | PurchaseAttribute
                    | SearchAttribute
                    | ServiceAttribute
                ):
                    try:
                        if not isinstance(data, dict):
                            raise TypeError()
                        componentsschemas_engagement_attribute_type_0 = PersonalAttribute.from_dict(data)

                        return componentsschemas_engagement_attribute_type_0
                    except (TypeError, ValueError, AttributeError, KeyError):
                        pass
                    try:
                        if not isinstance(data, dict):
                            raise TypeError()
                        componentsschemas_engagement_attribute_type_1 = CustomerInfoAttribute.from_dict(data)

                        return componentsschemas_engagement_attribute_type_1
                    except (TypeError, ValueError, AttributeError, KeyError):
                        pass
                    try:
                        if not isinstance(data, dict):
                            raise TypeError()
                        componentsschemas_engagement_attribute_type_2 = MarketingInfoAttribute.from_dict(data)

                        return componentsschemas_engagement_attribute_type_2
                    except (TypeError, ValueError, AttributeError, KeyError):
                        pass
                    try:
                        if not isinstance(data, dict):
                            raise TypeError()
                        componentsschemas_engagement_attribute_type_3 = CartAttribute.from_dict(data)

                        return componentsschemas_engagement_attribute_type_3
                    except (TypeError, ValueError, AttributeError, KeyError):
                        pass
                    try:
                        if not isinstance(data, dict):
                            raise TypeError()
                        componentsschemas_engagement_attribute_type_4 = PurchaseAttribute.from_dict(data)

                        return componentsschemas_engagement_attribute_type_4
                    except (TypeError, ValueError, AttributeError, KeyError):
                        pass
                    try:
                        if not isinstance(data, dict):
                            raise TypeError()
                        componentsschemas_engagement_attribute_type_5 = ProductViewAttribute.from_dict(data)

                        return componentsschemas_engagement_attribute_type_5
                    except (TypeError, ValueError, AttributeError, KeyError):
                        pass
                    try:
                        if not isinstance(data, dict):
                            raise TypeError()
                        componentsschemas_engagement_attribute_type_6 = LeadAttribute.from_dict(data)

                        return componentsschemas_engagement_attribute_type_6
                    except (TypeError, ValueError, AttributeError, KeyError):
                        pass
                    try:
                        if not isinstance(data, dict):
                            raise TypeError()
                        componentsschemas_engagement_attribute_type_7 = ServiceAttribute.from_dict(data)

                        return componentsschemas_engagement_attribute_type_7
                    except (TypeError, ValueError, AttributeError, KeyError):
                        pass
                    try:
                        if not isinstance(data, dict):
                            raise TypeError()
                        componentsschemas_engagement_attribute_type_8 = ErrorAttribute.from_dict(data)

                        return componentsschemas_engagement_attribute_type_8
                    except (TypeError, ValueError, AttributeError, KeyError):
                        pass
                    if not isinstance(data, dict):
                        raise TypeError()
                    componentsschemas_engagement_attribute_type_9 = SearchAttribute.from_dict(data)

                    return componentsschemas_engagement_attribute_type_9

                componentsschemas_engagement_attributes_item = _parse_componentsschemas_engagement_attributes_item(
                    componentsschemas_engagement_attributes_item_data
                )

                engagement_attributes.append(componentsschemas_engagement_attributes_item)

        session_news = cls(
            imp_attributes=imp_attributes,
            engagement_attributes=engagement_attributes,
        )

        session_news.additional_properties = d
        return session_news

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
