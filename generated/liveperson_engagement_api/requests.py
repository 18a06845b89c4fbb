# Written by scripts/generate from openapi.yaml. Do not edit: change the contract and run scripts/generate.
# openapi-python-client 0.29.1, datamodel-code-generator 0.89.0, ruff 0.17.6

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NotRequired, TypeAlias

from typing_extensions import TypedDict

AccountId: TypeAlias = str
"""The brand's LivePerson account (site) id."""


VisitorId: TypeAlias = str
"""Names a visitor. Opaque, except that it fits into a URL: it is not made of dots alone."""


SessionId: TypeAlias = str
"""Names a session of a visitor. Opaque, except that it fits into a URL."""


PageId: TypeAlias = str
"""Names the page that impression events and updates refer to. Opaque."""


AppType: TypeAlias = Literal["MSDK", "EXTERNAL"]
"""Which kind of external system the app is."""


OsFamily: TypeAlias = Literal["WINDOWS", "MAC_OSX", "LINUX", "IOS", "ANDROID"]
"""Family of the operating system."""


DeviceFamily: TypeAlias = Literal["DESKTOP", "TABLET", "MOBILE"]
"""Kind of device."""


Gender: TypeAlias = Literal["MALE", "FEMALE", "OTHER"]
"""The visitor's gender, by name."""


class Age(TypedDict):
    """How old the visitor is, or when the visitor was born."""

    age: NotRequired[float]
    """Age in years."""
    year: NotRequired[int]
    """Year of birth."""
    month: NotRequired[int]
    """Month of birth."""
    day: NotRequired[int]
    """Day of birth."""


CountryCode: TypeAlias = str
"""ISO 3166-1 alpha-2 code, upper case."""


PhoneType: TypeAlias = Literal["HOME", "MOBILE", "WORK", "FAX", "MAIN", "HOME_FAX", "WORK_FAX", "PAGER", "OTHER"]
"""What kind of number it is."""


class CalendarDate(TypedDict):
    """A day of the calendar."""

    day: NotRequired[int]
    """Day of the month."""
    month: NotRequired[int]
    """Month of the year."""
    year: NotRequired[int]
    """Year."""


Currency: TypeAlias = str
"""Currency of the amounts beside it, such as USD."""


MarketingChannel: TypeAlias = int | str
"""How the visitor came, as a number or a quoted digit: 0 direct, 1 search, 2 social, 3 email, 4 referral, 5 paid search, 6 display."""


class Product(TypedDict):
    """A product."""

    name: NotRequired[str]
    """Name of the product."""
    category: NotRequired[str]
    """Category of the product."""
    sku: NotRequired[str]
    """The brand's own id of the product."""
    price: NotRequired[float]
    """Price of one."""


class Lead(TypedDict):
    """Interest that sales may follow."""

    topic: NotRequired[str]
    """What the interest is in."""
    value: NotRequired[float]
    """What the lead is worth."""
    currency: NotRequired[Currency]
    leadId: NotRequired[str]
    """The brand's own id of the lead."""


ServiceStatus: TypeAlias = Literal[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]
"""How far the request is: 0 complete, 1 in progress, 2 approved, 3 cancelled, 4 not approved, 5 reviewed, 6 missing details, 7 closed, 8 removed, 9 assigned, 10 waiting for customer response, 11 waiting for response, 12 pending, 13 resolved."""


class VisitorError(TypedDict):
    """What went wrong for the visitor."""

    contextId: NotRequired[str]
    """Where it happened."""
    message: NotRequired[str]
    """What the visitor was told."""
    code: NotRequired[str]
    """The brand's own error code."""
    level: NotRequired[int]
    """How bad it is, in the brand's own numbers."""
    resolved: NotRequired[bool]
    """Whether it has been put right."""


class SearchAttribute(TypedDict):
    """What the visitor searched for."""

    type: Literal["searchInfo"]
    """Tells this attribute apart."""
    keywords: NotRequired[list[str]]
    """Words that were searched for."""


ImpressionCampaign: TypeAlias = int
"""The engagement's campaignId."""


ImpressionEngagement: TypeAlias = int
"""The engagement's engagementId."""


ImpressionRevision: TypeAlias = int
"""The engagement's engagementRevision."""


class EngagementContext(TypedDict):
    """A context in which the engagement was offered."""

    type: Literal["engagementContext"]
    """Always engagementContext."""
    id: str
    """The engagement's contextId."""


class AppDetails(TypedDict):
    """The app and the device that it runs on, for troubleshooting."""

    os: NotRequired[OsFamily]
    osVersion: NotRequired[str]
    """Version of the operating system."""
    appVersion: NotRequired[str]
    """Version of the app."""
    deviceFamily: NotRequired[DeviceFamily]
    ipAddress: NotRequired[str]
    """The visitor's IPv4 or IPv6 address."""


class Address(TypedDict):
    """Where the visitor lives."""

    country: NotRequired[CountryCode]
    region: NotRequired[str]
    """Region within the country."""
    phoneType: NotRequired[PhoneType]


class CustomerInfo(TypedDict):
    """The visitor as the brand's customer."""

    ctype: NotRequired[str]
    """Type of customer, in the brand's own words."""
    cstatus: NotRequired[str]
    """Status of the customer, in the brand's own words."""
    customerId: NotRequired[str]
    """The brand's own id of the customer."""
    balance: NotRequired[float]
    """Balance of the customer's account."""
    currency: NotRequired[Currency]
    socialId: NotRequired[str]
    """Id in a social network."""
    imei: NotRequired[str]
    """The device's IMEI."""
    userName: NotRequired[str]
    """Name that the customer signs in with."""
    companySize: NotRequired[int]
    """Size of the customer's company, in people."""
    companyBranch: NotRequired[str]
    """Branch of the customer's company."""
    accountName: NotRequired[str]
    """Name of the customer's account."""
    role: NotRequired[str]
    """The customer's role."""
    lastPaymentDate: NotRequired[CalendarDate]
    registrationDate: NotRequired[CalendarDate]
    loginStatus: NotRequired[int]
    """Whether the customer is signed in, in the brand's own numbers."""
    storeZipCode: NotRequired[str]
    """Postal code of the store."""
    storeNumber: NotRequired[str]
    """Number of the store."""


class MarketingInfo(TypedDict):
    """Where the visitor came from."""

    channel: NotRequired[MarketingChannel]
    affiliate: NotRequired[str]
    """Affiliate that sent the visitor."""
    campaignId: NotRequired[str]
    """The brand's own name of its marketing campaign."""


class ProductLine(TypedDict):
    """A product and its quantity."""

    product: Product
    quantity: NotRequired[int]
    """How many."""


class LeadAttribute(TypedDict):
    """Interest that sales may follow."""

    type: Literal["lead"]
    """Tells this attribute apart."""
    lead: NotRequired[Lead]


class ServiceActivity(TypedDict):
    """A service request that the visitor has open."""

    topic: NotRequired[str]
    """What it is about."""
    status: NotRequired[ServiceStatus]
    category: NotRequired[str]
    """Category of the request."""
    serviceId: NotRequired[str]
    """The brand's own id of the request."""


class ErrorAttribute(TypedDict):
    """What went wrong for the visitor."""

    type: Literal["error"]
    """Tells this attribute apart."""
    error: NotRequired[VisitorError]


class ExpandedImpression(TypedDict):
    """The engagement was expanded."""

    type: Literal["impExpanded"]
    """Tells this event apart."""
    campaign: ImpressionCampaign
    engId: ImpressionEngagement
    revision: ImpressionRevision
    expanded: Any
    """May be null. The vendor gives no type."""
    userInit: Any
    """Whether the visitor caused it. May be null. The vendor gives no type."""
    actionableItems: Any
    """What the visitor can act on. May be null. The vendor gives no type."""


class TimeoutImpression(TypedDict):
    """The engagement went away by itself."""

    type: Literal["impTimeout"]
    """Tells this event apart."""
    campaign: ImpressionCampaign
    engId: ImpressionEngagement
    revision: ImpressionRevision


class CloseImpression(TypedDict):
    """The visitor closed the engagement."""

    type: Literal["impClose"]
    """Tells this event apart."""
    campaign: ImpressionCampaign
    engId: ImpressionEngagement
    revision: ImpressionRevision


EngagementContexts: TypeAlias = Sequence[EngagementContext]
"""The contexts in which the engagement was offered."""


class Contact(TypedDict):
    """One way to reach the visitor."""

    email: NotRequired[str]
    """Mail address."""
    phone: NotRequired[str]
    """Telephone number."""
    phoneType: NotRequired[PhoneType]
    country: NotRequired[CountryCode]
    region: NotRequired[str]
    """Region within the country."""
    address: NotRequired[Address]


class CustomerInfoAttribute(TypedDict):
    """The visitor as the brand's customer."""

    type: Literal["ctmrinfo"]
    """Tells this attribute apart."""
    info: NotRequired[CustomerInfo]


class MarketingInfoAttribute(TypedDict):
    """Where the visitor came from."""

    type: Literal["mrktInfo"]
    """Tells this attribute apart."""
    info: NotRequired[MarketingInfo]


ProductLines: TypeAlias = Sequence[ProductLine]
"""Products, each with its quantity."""


class ServiceAttribute(TypedDict):
    """A service request that the visitor has open."""

    type: Literal["service"]
    """Tells this attribute apart."""
    service: NotRequired[ServiceActivity]


class DisplayImpression(TypedDict):
    """The engagement was shown."""

    type: Literal["impDisplay"]
    """Tells this event apart."""
    campaign: ImpressionCampaign
    engId: ImpressionEngagement
    revision: ImpressionRevision
    eContext: EngagementContexts


class AcceptImpression(TypedDict):
    """The visitor clicked on the engagement."""

    type: Literal["impAccept"]
    """Tells this event apart."""
    campaign: ImpressionCampaign
    engId: ImpressionEngagement
    revision: ImpressionRevision
    eContext: EngagementContexts


class Personal(TypedDict):
    """Who the visitor is."""

    firstname: NotRequired[str]
    """Given name."""
    lastname: NotRequired[str]
    """Family name."""
    gender: NotRequired[Gender]
    company: NotRequired[str]
    """Company that the visitor works for."""
    language: NotRequired[str]
    """The visitor's language, such as en-US or en_US."""
    age: NotRequired[Age]
    contacts: NotRequired[Sequence[Contact]]
    """Ways to reach the visitor."""


class CartAttribute(TypedDict):
    """What lies in the shopping cart."""

    type: Literal["cart"]
    """Tells this attribute apart."""
    total: float
    """Total amount."""
    numItems: int
    """Number of items."""
    currency: NotRequired[Currency]
    products: NotRequired[ProductLines]


class PurchasedCart(TypedDict):
    """The cart that was bought."""

    products: ProductLines
    numItems: NotRequired[int]
    """Number of items."""


class ProductViewAttribute(TypedDict):
    """What was looked at."""

    type: Literal["prodView"]
    """Tells this attribute apart."""
    currency: NotRequired[Currency]
    products: NotRequired[ProductLines]


ImpressionEvent: TypeAlias = (
    DisplayImpression | AcceptImpression | ExpandedImpression | TimeoutImpression | CloseImpression
)
"""What the visitor did with the engagement, told apart by its type. The values come from the engagement: see the links of the Session answer."""


class PersonalAttribute(TypedDict):
    """Who the visitor is."""

    type: Literal["personal"]
    """Tells this attribute apart."""
    personal: NotRequired[Personal]


class PurchaseAttribute(TypedDict):
    """What was bought."""

    type: Literal["purchase"]
    """Tells this attribute apart."""
    total: NotRequired[float]
    """Total amount."""
    currency: NotRequired[Currency]
    orderId: NotRequired[str]
    """The brand's own id of the order."""
    cart: NotRequired[PurchasedCart]


EngagementAttribute: TypeAlias = (
    PersonalAttribute
    | CustomerInfoAttribute
    | MarketingInfoAttribute
    | CartAttribute
    | PurchaseAttribute
    | ProductViewAttribute
    | LeadAttribute
    | ServiceAttribute
    | ErrorAttribute
    | SearchAttribute
)
"""One engagement attribute (SDE), told apart by its type."""


EngagementAttributes: TypeAlias = Sequence[EngagementAttribute]
"""What is known of the visitor. Impression events do not belong here."""


class CreateSessionBody(TypedDict):
    """The app, and what is known of the visitor."""

    appType: AppType
    appDetails: NotRequired[AppDetails]
    consumerSections: NotRequired[list[str]]
    """Places in the app that the visitor is at, for campaigns that target them."""
    engagementAttributes: NotRequired[EngagementAttributes]


class SessionUpdate(TypedDict):
    """An update of a session, without its pageId: attributes, impression events, or both."""

    impAttributes: NotRequired[Sequence[ImpressionEvent]]
    """What the visitor did with the engagement."""
    engagementAttributes: NotRequired[EngagementAttributes]


class UpdateSessionBody(SessionUpdate):
    """An update of a session, and the page that it belongs to."""

    pageId: PageId
