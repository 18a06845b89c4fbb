# Written by scripts/generate from openapi.yaml. Do not edit: change the contract and run scripts/generate.
# openapi-python-client 0.29.1, datamodel-code-generator 0.89.0, ruff 0.17.6

"""Contains all the data models used in inputs/outputs"""

from .accept_impression import AcceptImpression
from .address import Address
from .age import Age
from .app_details import AppDetails
from .app_type import AppType
from .available_session import AvailableSession
from .calendar_date import CalendarDate
from .cart_attribute import CartAttribute
from .close_impression import CloseImpression
from .contact import Contact
from .create_session_body import CreateSessionBody
from .customer_info import CustomerInfo
from .customer_info_attribute import CustomerInfoAttribute
from .device_family import DeviceFamily
from .display_impression import DisplayImpression
from .engagement_context import EngagementContext
from .engagement_details import EngagementDetails
from .error_attribute import ErrorAttribute
from .error_entity import ErrorEntity
from .expanded_impression import ExpandedImpression
from .gender import Gender
from .lead import Lead
from .lead_attribute import LeadAttribute
from .marketing_info import MarketingInfo
from .marketing_info_attribute import MarketingInfoAttribute
from .not_available_session import NotAvailableSession
from .os_family import OsFamily
from .personal import Personal
from .personal_attribute import PersonalAttribute
from .phone_type import PhoneType
from .product import Product
from .product_line import ProductLine
from .product_view_attribute import ProductViewAttribute
from .purchase_attribute import PurchaseAttribute
from .purchased_cart import PurchasedCart
from .search_attribute import SearchAttribute
from .service_activity import ServiceActivity
from .service_attribute import ServiceAttribute
from .service_domain import ServiceDomain
from .service_status import ServiceStatus
from .session_news import SessionNews
from .timeout_impression import TimeoutImpression
from .update_session_body import UpdateSessionBody
from .visitor_error import VisitorError
from .wrapped_error_entity import WrappedErrorEntity

__all__ = (
    "AcceptImpression",
    "Address",
    "Age",
    "AppDetails",
    "AppType",
    "AvailableSession",
    "CalendarDate",
    "CartAttribute",
    "CloseImpression",
    "Contact",
    "CreateSessionBody",
    "CustomerInfo",
    "CustomerInfoAttribute",
    "DeviceFamily",
    "DisplayImpression",
    "EngagementContext",
    "EngagementDetails",
    "ErrorAttribute",
    "ErrorEntity",
    "ExpandedImpression",
    "Gender",
    "Lead",
    "LeadAttribute",
    "MarketingInfo",
    "MarketingInfoAttribute",
    "NotAvailableSession",
    "OsFamily",
    "Personal",
    "PersonalAttribute",
    "PhoneType",
    "Product",
    "ProductLine",
    "ProductViewAttribute",
    "PurchaseAttribute",
    "PurchasedCart",
    "SearchAttribute",
    "ServiceActivity",
    "ServiceAttribute",
    "ServiceDomain",
    "ServiceStatus",
    "SessionNews",
    "TimeoutImpression",
    "UpdateSessionBody",
    "VisitorError",
    "WrappedErrorEntity",
)
