# Written by scripts/generate from openapi.yaml. Do not edit: change the contract and run scripts/generate.
# openapi-python-client 0.29.1, datamodel-code-generator 0.89.0, ruff 0.17.6

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.app_type import AppType
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.app_details import AppDetails
    from ..models.cart_attribute import CartAttribute
    from ..models.customer_info_attribute import CustomerInfoAttribute
    from ..models.error_attribute import ErrorAttribute
    from ..models.lead_attribute import LeadAttribute
    from ..models.marketing_info_attribute import MarketingInfoAttribute
    from ..models.personal_attribute import PersonalAttribute
    from ..models.product_view_attribute import ProductViewAttribute
    from ..models.purchase_attribute import PurchaseAttribute
    from ..models.search_attribute import SearchAttribute
    from ..models.service_attribute import ServiceAttribute


T = TypeVar("T", bound="CreateSessionBody")


@_attrs_define
class CreateSessionBody:
    """The app, and what is known of the visitor."""

    app_type: AppType
    """ Which kind of external system the app is. """
    app_details: AppDetails | Unset = UNSET
    """ The app and the device that it runs on, for troubleshooting. """
    consumer_sections: list[str] | Unset = UNSET
    """ Places in the app that the visitor is at, for campaigns that target them. """
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
        from ..models.cart_attribute import CartAttribute
        from ..models.customer_info_attribute import CustomerInfoAttribute
        from ..models.error_attribute import ErrorAttribute
        from ..models.lead_attribute import LeadAttribute
        from ..models.marketing_info_attribute import MarketingInfoAttribute
        from ..models.personal_attribute import PersonalAttribute
        from ..models.product_view_attribute import ProductViewAttribute
        from ..models.purchase_attribute import PurchaseAttribute
        from ..models.service_attribute import ServiceAttribute

        app_type = self.app_type.value

        app_details: dict[str, Any] | Unset = UNSET
        if not isinstance(self.app_details, Unset):
            app_details = self.app_details.to_dict()

        consumer_sections: list[str] | Unset = UNSET
        if not isinstance(self.consumer_sections, Unset):
            consumer_sections = self.consumer_sections

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
        field_dict.update(
            {
                "appType": app_type,
            }
        )
        if app_details is not UNSET:
            field_dict["appDetails"] = app_details
        if consumer_sections is not UNSET:
            field_dict["consumerSections"] = consumer_sections
        if engagement_attributes is not UNSET:
            field_dict["engagementAttributes"] = engagement_attributes

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.app_details import AppDetails
        from ..models.cart_attribute import CartAttribute
        from ..models.customer_info_attribute import CustomerInfoAttribute
        from ..models.error_attribute import ErrorAttribute
        from ..models.lead_attribute import LeadAttribute
        from ..models.marketing_info_attribute import MarketingInfoAttribute
        from ..models.personal_attribute import PersonalAttribute
        from ..models.product_view_attribute import ProductViewAttribute
        from ..models.purchase_attribute import PurchaseAttribute
        from ..models.search_attribute import SearchAttribute
        from ..models.service_attribute import ServiceAttribute

        d = dict(src_dict)
        app_type = AppType(d.pop("appType"))

        _app_details = d.pop("appDetails", UNSET)
        app_details: AppDetails | Unset
        if isinstance(_app_details, Unset):
            app_details = UNSET
        else:
            app_details = AppDetails.from_dict(_app_details)

        consumer_sections = cast(list[str], d.pop("consumerSections", UNSET))

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

        create_session_body = cls(
            app_type=app_type,
            app_details=app_details,
            consumer_sections=consumer_sections,
            engagement_attributes=engagement_attributes,
        )

        create_session_body.additional_properties = d
        return create_session_body

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
