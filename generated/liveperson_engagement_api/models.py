# Written by scripts/generate from openapi.yaml. Do not edit: change the contract and run scripts/generate.
# openapi-python-client 0.29.1, datamodel-code-generator 0.89.0, ruff 0.17.6

"""What requests and answers are made of: `from_dict` reads decoded JSON, `to_dict` gives what is sent.

A member that is None is not sent, save where the contract requires it: then it is sent as null. Members that the
contract does not know are kept in `additional_properties`. What is part of a body, or marked as sensitive,
is left out of reprs. Scalars are not checked: that is the contract's business.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import IntEnum
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, Self, TypeAlias, TypeVar, cast

from attrs import Attribute, field as _field, frozen as _frozen

if TYPE_CHECKING:
    from . import requests

_T = TypeVar("_T")


def _copies(_: type, fields: list[Attribute[Any]]) -> list[Attribute[Any]]:
    """Have a model copy the lists and the unknown members that it is given: frozen is frozen."""
    copied = {"Sequence": _tuple, "dict": dict}
    return [field.evolve(converter=copied.get(str(field.type).partition("[")[0])) for field in fields]


def _tuple(value: Sequence[_T]) -> Sequence[_T]:
    """Copy a list; what is no list is left as it is, for whoever checks the contract to find."""
    return tuple(value) if isinstance(value, list) else value


def _json(value: Any) -> Any:
    """Give what models stand for; what is none is left as it is, too."""
    if isinstance(value, Model):
        return value.to_dict()
    if isinstance(value, tuple | list):
        return [_json(item) for item in cast(Sequence[Any], value)]
    return int(value) if isinstance(value, IntEnum) else value


def _given(*members: tuple[str, Any]) -> dict[str, Any]:
    """Give what members stand for; what is None is left out."""
    return {name: _json(value) for name, value in members if value is not None}


def _each(read: Callable[[Any], _T], values: Any) -> list[_T] | None:
    return None if values is None else [read(value) for value in values]


def _const(value: Any, const: _T, member: str) -> _T:
    if value != const:
        raise ValueError(f"{member} must be {const!r}")
    return const


def _integer(value: Any) -> Any:
    """Read 44.0 as 44."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _id(value: Any, member: str) -> int:
    """Read a 64-bit number, or its digits in quotes, without losing a digit."""
    digits = isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20
    whole = isinstance(value, float) and value.is_integer() and abs(value) <= 2**53
    if digits or whole or (isinstance(value, int) and not isinstance(value, bool)):
        if -(2**63) <= (number := int(value)) < 2**63:
            return number
    raise ValueError(f"{member} must be a 64-bit integer, or its digits")


def _tagged(read: Mapping[str, Callable[[Mapping[str, Any]], _T]], data: Mapping[str, Any], tag: str) -> _T:
    value = data[tag]
    if not isinstance(value, str) or value not in read:
        raise ValueError(f"{tag} must be one of {', '.join(read)}")
    return read[value](data)


@_frozen(kw_only=True, field_transformer=_copies, repr=False)
class Model:
    """What all models have."""

    additional_properties: dict[str, Any] = _field(factory=dict[str, Any], hash=False, repr=False)
    """Members that the contract does not know."""

    def __repr__(self) -> str:
        """Name the class alone: what is sent may be personal data."""
        return f"<{type(self).__name__}>"

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        """Yield the members as `to_dict` gives them, so that `dict(model)` is the same."""
        return iter(self.to_dict().items())

    def to_dict(self) -> Any:
        """Return what is sent."""
        raise NotImplementedError


AppType: TypeAlias = Literal["MSDK", "EXTERNAL"]
"""Which kind of external system the app is."""
OsFamily: TypeAlias = Literal["WINDOWS", "MAC_OSX", "LINUX", "IOS", "ANDROID"]
"""Family of the operating system."""
DeviceFamily: TypeAlias = Literal["DESKTOP", "TABLET", "MOBILE"]
"""Kind of device."""
Gender: TypeAlias = Literal["MALE", "FEMALE", "OTHER"]
"""The visitor's gender, by name."""
PhoneType: TypeAlias = Literal["HOME", "MOBILE", "WORK", "FAX", "MAIN", "HOME_FAX", "WORK_FAX", "PAGER", "OTHER"]
"""What kind of number it is."""


class ServiceStatus(IntEnum):
    """How far the request is: 0 complete, 1 in progress, 2 approved, 3 cancelled, 4 not approved, 5 reviewed, 6
    missing details, 7 closed, 8 removed, 9 assigned, 10 waiting for customer response, 11 waiting for response,
    12 pending, 13 resolved.
    """

    COMPLETE = 0
    IN_PROGRESS = 1
    APPROVED = 2
    CANCELLED = 3
    NOT_APPROVED = 4
    REVIEWED = 5
    MISSING_DETAILS = 6
    CLOSED = 7
    REMOVED = 8
    ASSIGNED = 9
    WAITING_FOR_CUSTOMER_RESPONSE = 10
    WAITING_FOR_RESPONSE = 11
    PENDING = 12
    RESOLVED = 13


@_frozen(kw_only=True, field_transformer=_copies, repr=False)
class CreateSessionBody(Model):
    """The app, and what is known of the visitor."""

    app_type: AppType
    app_details: AppDetails | None = None
    consumer_sections: Sequence[str] | None = None
    """Places in the app that the visitor is at, for campaigns that target them."""
    engagement_attributes: Sequence[EngagementAttribute] | None = None
    """What is known of the visitor. Impression events do not belong here."""

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        rest = {**data}
        return cls(
            app_type=rest.pop("appType"),
            app_details=None if (value := rest.pop("appDetails", None)) is None else AppDetails.from_dict(value),
            consumer_sections=None if (value := rest.pop("consumerSections", None)) is None else _tuple(value),
            engagement_attributes=_each(engagement_attribute_from_dict, rest.pop("engagementAttributes", None)),
            additional_properties=rest,
        )

    def to_dict(self) -> requests.CreateSessionBody:
        data: dict[str, Any] = {**self.additional_properties, "appType": self.app_type}
        data |= _given(
            ("appDetails", self.app_details),
            ("consumerSections", self.consumer_sections),
            ("engagementAttributes", self.engagement_attributes),
        )
        return cast("requests.CreateSessionBody", data)


@_frozen(kw_only=True, field_transformer=_copies, repr=False)
class SessionUpdate(Model):
    """An update of a session, without its pageId: attributes, impression events, or both."""

    imp_attributes: Sequence[ImpressionEvent] | None = None
    """What the visitor did with the engagement."""
    engagement_attributes: Sequence[EngagementAttribute] | None = None
    """What is known of the visitor. Impression events do not belong here."""

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        rest = {**data}
        return cls(
            imp_attributes=_each(impression_event_from_dict, rest.pop("impAttributes", None)),
            engagement_attributes=_each(engagement_attribute_from_dict, rest.pop("engagementAttributes", None)),
            additional_properties=rest,
        )

    def to_dict(self) -> requests.SessionUpdate:
        data: dict[str, Any] = {**self.additional_properties}
        data |= _given(("impAttributes", self.imp_attributes), ("engagementAttributes", self.engagement_attributes))
        return cast("requests.SessionUpdate", data)


@_frozen(kw_only=True, field_transformer=_copies, repr=False)
class UpdateSessionBody(Model):
    """An update of a session, and the page that it belongs to."""

    page_id: str = _field(repr=False)
    """Names the page that impression events and updates refer to. Opaque."""
    imp_attributes: Sequence[ImpressionEvent] | None = None
    """What the visitor did with the engagement."""
    engagement_attributes: Sequence[EngagementAttribute] | None = None
    """What is known of the visitor. Impression events do not belong here."""

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        rest = {**data}
        return cls(
            page_id=rest.pop("pageId"),
            imp_attributes=_each(impression_event_from_dict, rest.pop("impAttributes", None)),
            engagement_attributes=_each(engagement_attribute_from_dict, rest.pop("engagementAttributes", None)),
            additional_properties=rest,
        )

    def to_dict(self) -> requests.UpdateSessionBody:
        data: dict[str, Any] = {**self.additional_properties, "pageId": self.page_id}
        data |= _given(("impAttributes", self.imp_attributes), ("engagementAttributes", self.engagement_attributes))
        return cast("requests.UpdateSessionBody", data)


@_frozen(kw_only=True, field_transformer=_copies, repr=False)
class AppDetails(Model):
    """The app and the device that it runs on, for troubleshooting."""

    os: OsFamily | None = None
    os_version: str | None = None
    """Version of the operating system."""
    app_version: str | None = None
    """Version of the app."""
    device_family: DeviceFamily | None = None
    ip_address: str | None = None
    """The visitor's IPv4 or IPv6 address."""

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        rest = {**data}
        return cls(
            os=rest.pop("os", None),
            os_version=rest.pop("osVersion", None),
            app_version=rest.pop("appVersion", None),
            device_family=rest.pop("deviceFamily", None),
            ip_address=rest.pop("ipAddress", None),
            additional_properties=rest,
        )

    def to_dict(self) -> requests.AppDetails:
        data: dict[str, Any] = {**self.additional_properties}
        data |= _given(
            ("os", self.os),
            ("osVersion", self.os_version),
            ("appVersion", self.app_version),
            ("deviceFamily", self.device_family),
            ("ipAddress", self.ip_address),
        )
        return cast("requests.AppDetails", data)


@_frozen(kw_only=True, field_transformer=_copies)
class AvailableSession(Model):
    """An engagement may be shown."""

    is_available: ClassVar[Literal[True]] = True
    status: Literal["Available"] = "Available"
    page_id: str = _field(repr=False)
    """Names the page that impression events and updates refer to. Opaque."""
    session_id: str = _field(repr=False)
    """Names a session of a visitor. Opaque, except that it fits into a URL."""
    visitor_id: str = _field(repr=False)
    """Names a visitor. Opaque, except that it fits into a URL: it is not made of dots alone."""
    engagement_details: EngagementDetails

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        rest = {**data}
        return cls(
            status=_const(rest.pop("status"), "Available", "status"),
            page_id=rest.pop("pageId"),
            session_id=rest.pop("sessionId"),
            visitor_id=rest.pop("visitorId"),
            engagement_details=EngagementDetails.from_dict(rest.pop("engagementDetails")),
            additional_properties=rest,
        )

    def to_dict(self) -> dict[str, Any]:
        return {
            **self.additional_properties,
            "status": self.status,
            "pageId": self.page_id,
            "sessionId": self.session_id,
            "visitorId": self.visitor_id,
            "engagementDetails": _json(self.engagement_details),
        }


@_frozen(kw_only=True, field_transformer=_copies)
class NotAvailableSession(Model):
    """No engagement is to be shown now."""

    is_available: ClassVar[Literal[False]] = False
    status: Literal["NotAvailable"] = "NotAvailable"
    page_id: str = _field(repr=False)
    """Names the page that impression events and updates refer to. Opaque."""
    session_id: str = _field(repr=False)
    """Names a session of a visitor. Opaque, except that it fits into a URL."""
    visitor_id: str = _field(repr=False)
    """Names a visitor. Opaque, except that it fits into a URL: it is not made of dots alone."""

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        rest = {**data}
        return cls(
            status=_const(rest.pop("status"), "NotAvailable", "status"),
            page_id=rest.pop("pageId"),
            session_id=rest.pop("sessionId"),
            visitor_id=rest.pop("visitorId"),
            additional_properties=rest,
        )

    def to_dict(self) -> dict[str, Any]:
        return {
            **self.additional_properties,
            "status": self.status,
            "pageId": self.page_id,
            "sessionId": self.session_id,
            "visitorId": self.visitor_id,
        }


@_frozen(kw_only=True, field_transformer=_copies)
class EngagementDetails(Model):
    """The engagement that may be shown."""

    campaign_id: int
    """A 64-bit id, written as a JSON number or as a string of digits. Keep every digit."""
    engagement_id: int
    """A 64-bit id, written as a JSON number or as a string of digits. Keep every digit."""
    context_id: str
    """Names the context in which the engagement was offered; impression events repeat it."""
    window_id: str
    """Names the window configuration of the engagement."""
    language: str
    """Language of the engagement, such as en-US."""
    engagement_revision: int
    """Revision of the engagement."""
    valid_for_seconds: float
    """How long the engagement may be shown, in seconds from this answer; at 0 or below, not any more."""
    skill_id: int | None = None
    """The skill that conversations from this engagement go to."""
    skill_name: str | None = None
    """Name of that skill."""
    connector_id: int | None = None
    """A 64-bit id, written as a JSON number or as a string of digits. Keep every digit."""

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        rest = {**data}
        return cls(
            campaign_id=_id(rest.pop("campaignId"), "campaignId"),
            engagement_id=_id(rest.pop("engagementId"), "engagementId"),
            context_id=rest.pop("contextId"),
            window_id=rest.pop("windowId"),
            language=rest.pop("language"),
            engagement_revision=_integer(rest.pop("engagementRevision")),
            valid_for_seconds=rest.pop("validForSeconds"),
            skill_id=_integer(rest.pop("skillId", None)),
            skill_name=rest.pop("skillName", None),
            connector_id=None if (value := rest.pop("connectorId", None)) is None else _id(value, "connectorId"),
            additional_properties=rest,
        )

    def to_dict(self) -> dict[str, Any]:
        data: dict[str, Any] = {
            **self.additional_properties,
            "campaignId": self.campaign_id,
            "engagementId": self.engagement_id,
            "contextId": self.context_id,
            "windowId": self.window_id,
            "language": self.language,
            "engagementRevision": self.engagement_revision,
            "validForSeconds": self.valid_for_seconds,
        }
        data |= _given(("skillId", self.skill_id), ("skillName", self.skill_name), ("connectorId", self.connector_id))
        return data


@_frozen(kw_only=True, field_transformer=_copies)
class ServiceDomain(Model):
    """The host that serves an account."""

    base_uri: str
    """A bare host name, with an optional port: no scheme, no path, no user."""
    service: str | None = None
    """The service that was asked for."""
    account: str | None = None
    """The account that was asked for."""

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        rest = {**data}
        return cls(
            base_uri=rest.pop("baseURI"),
            service=rest.pop("service", None),
            account=rest.pop("account", None),
            additional_properties=rest,
        )

    def to_dict(self) -> dict[str, Any]:
        data: dict[str, Any] = {**self.additional_properties, "baseURI": self.base_uri}
        data |= _given(("service", self.service), ("account", self.account))
        return data


@_frozen(kw_only=True, field_transformer=_copies)
class ErrorEntity(Model):
    """Why a request failed."""

    time: int
    """When it failed, in milliseconds since 1970-01-01 UTC."""
    internal_code: int
    """Narrows the status down, and new ones may appear. Known: 400 with 33 illegal API version, 5 data missing or
    invalid; 404 with 37 invalid visitorId, 39 invalid sessionId, 18 unknown app installation; 500 with 20 account
    not loaded yet, 18 internal.
    """
    message: str | None = None
    """For people. May contain a visitor id: keep it out of logs."""

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        rest = {**data}
        return cls(
            time=_integer(rest.pop("time")),
            internal_code=_integer(rest.pop("internalCode")),
            message=rest.pop("message", None),
            additional_properties=rest,
        )

    def to_dict(self) -> dict[str, Any]:
        data: dict[str, Any] = {**self.additional_properties, "time": self.time, "internalCode": self.internal_code}
        data |= _given(("message", self.message))
        return data


@_frozen(kw_only=True, field_transformer=_copies)
class WrappedErrorEntity(Model):
    """An error entity inside an object."""

    error: ErrorEntity

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        rest = {**data}
        return cls(error=ErrorEntity.from_dict(rest.pop("error")), additional_properties=rest)

    def to_dict(self) -> dict[str, Any]:
        return {**self.additional_properties, "error": _json(self.error)}


@_frozen(kw_only=True, field_transformer=_copies, repr=False)
class PersonalAttribute(Model):
    """Who the visitor is."""

    type_: Literal["personal"] = "personal"
    personal: Personal | None = None

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        rest = {**data}
        return cls(
            type_=_const(rest.pop("type"), "personal", "type"),
            personal=None if (value := rest.pop("personal", None)) is None else Personal.from_dict(value),
            additional_properties=rest,
        )

    def to_dict(self) -> requests.PersonalAttribute:
        data: dict[str, Any] = {**self.additional_properties, "type": self.type_}
        data |= _given(("personal", self.personal))
        return cast("requests.PersonalAttribute", data)


@_frozen(kw_only=True, field_transformer=_copies, repr=False)
class Personal(Model):
    """Who the visitor is."""

    firstname: str | None = None
    """Given name."""
    lastname: str | None = None
    """Family name."""
    gender: Gender | None = None
    company: str | None = None
    """Company that the visitor works for."""
    language: str | None = None
    """The visitor's language, such as en-US or en_US."""
    age: Age | None = None
    contacts: Sequence[Contact] | None = None
    """Ways to reach the visitor."""

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        rest = {**data}
        return cls(
            firstname=rest.pop("firstname", None),
            lastname=rest.pop("lastname", None),
            gender=rest.pop("gender", None),
            company=rest.pop("company", None),
            language=rest.pop("language", None),
            age=None if (value := rest.pop("age", None)) is None else Age.from_dict(value),
            contacts=_each(Contact.from_dict, rest.pop("contacts", None)),
            additional_properties=rest,
        )

    def to_dict(self) -> requests.Personal:
        data: dict[str, Any] = {**self.additional_properties}
        data |= _given(
            ("firstname", self.firstname),
            ("lastname", self.lastname),
            ("gender", self.gender),
            ("company", self.company),
            ("language", self.language),
            ("age", self.age),
            ("contacts", self.contacts),
        )
        return cast("requests.Personal", data)


@_frozen(kw_only=True, field_transformer=_copies, repr=False)
class Age(Model):
    """How old the visitor is, or when the visitor was born."""

    age: float | None = None
    """Age in years."""
    year: int | None = None
    """Year of birth."""
    month: int | None = None
    """Month of birth."""
    day: int | None = None
    """Day of birth."""

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        rest = {**data}
        return cls(
            age=rest.pop("age", None),
            year=_integer(rest.pop("year", None)),
            month=_integer(rest.pop("month", None)),
            day=_integer(rest.pop("day", None)),
            additional_properties=rest,
        )

    def to_dict(self) -> requests.Age:
        data: dict[str, Any] = {**self.additional_properties}
        data |= _given(("age", self.age), ("year", self.year), ("month", self.month), ("day", self.day))
        return cast("requests.Age", data)


@_frozen(kw_only=True, field_transformer=_copies, repr=False)
class Contact(Model):
    """One way to reach the visitor."""

    email: str | None = None
    """Mail address."""
    phone: str | None = None
    """Telephone number."""
    phone_type: PhoneType | None = None
    country: str | None = None
    """ISO 3166-1 alpha-2 code, upper case."""
    region: str | None = None
    """Region within the country."""
    address: Address | None = None

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        rest = {**data}
        return cls(
            email=rest.pop("email", None),
            phone=rest.pop("phone", None),
            phone_type=rest.pop("phoneType", None),
            country=rest.pop("country", None),
            region=rest.pop("region", None),
            address=None if (value := rest.pop("address", None)) is None else Address.from_dict(value),
            additional_properties=rest,
        )

    def to_dict(self) -> requests.Contact:
        data: dict[str, Any] = {**self.additional_properties}
        data |= _given(
            ("email", self.email),
            ("phone", self.phone),
            ("phoneType", self.phone_type),
            ("country", self.country),
            ("region", self.region),
            ("address", self.address),
        )
        return cast("requests.Contact", data)


@_frozen(kw_only=True, field_transformer=_copies, repr=False)
class Address(Model):
    """Where the visitor lives."""

    country: str | None = None
    """ISO 3166-1 alpha-2 code, upper case."""
    region: str | None = None
    """Region within the country."""
    phone_type: PhoneType | None = None

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        rest = {**data}
        return cls(
            country=rest.pop("country", None),
            region=rest.pop("region", None),
            phone_type=rest.pop("phoneType", None),
            additional_properties=rest,
        )

    def to_dict(self) -> requests.Address:
        data: dict[str, Any] = {**self.additional_properties}
        data |= _given(("country", self.country), ("region", self.region), ("phoneType", self.phone_type))
        return cast("requests.Address", data)


@_frozen(kw_only=True, field_transformer=_copies, repr=False)
class CustomerInfoAttribute(Model):
    """The visitor as the brand's customer."""

    type_: Literal["ctmrinfo"] = "ctmrinfo"
    info: CustomerInfo | None = None

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        rest = {**data}
        return cls(
            type_=_const(rest.pop("type"), "ctmrinfo", "type"),
            info=None if (value := rest.pop("info", None)) is None else CustomerInfo.from_dict(value),
            additional_properties=rest,
        )

    def to_dict(self) -> requests.CustomerInfoAttribute:
        data: dict[str, Any] = {**self.additional_properties, "type": self.type_}
        data |= _given(("info", self.info))
        return cast("requests.CustomerInfoAttribute", data)


@_frozen(kw_only=True, field_transformer=_copies, repr=False)
class CustomerInfo(Model):
    """The visitor as the brand's customer."""

    ctype: str | None = None
    """Type of customer, in the brand's own words."""
    cstatus: str | None = None
    """Status of the customer, in the brand's own words."""
    customer_id: str | None = None
    """The brand's own id of the customer."""
    balance: float | None = None
    """Balance of the customer's account."""
    currency: str | None = None
    """Currency of the amounts beside it, such as USD."""
    social_id: str | None = None
    """Id in a social network."""
    imei: str | None = None
    """The device's IMEI."""
    user_name: str | None = None
    """Name that the customer signs in with."""
    company_size: int | None = None
    """Size of the customer's company, in people."""
    company_branch: str | None = None
    """Branch of the customer's company."""
    account_name: str | None = None
    """Name of the customer's account."""
    role: str | None = None
    """The customer's role."""
    last_payment_date: CalendarDate | None = None
    registration_date: CalendarDate | None = None
    login_status: int | None = None
    """Whether the customer is signed in, in the brand's own numbers."""
    store_zip_code: str | None = None
    """Postal code of the store."""
    store_number: str | None = None
    """Number of the store."""

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        rest = {**data}
        return cls(
            ctype=rest.pop("ctype", None),
            cstatus=rest.pop("cstatus", None),
            customer_id=rest.pop("customerId", None),
            balance=rest.pop("balance", None),
            currency=rest.pop("currency", None),
            social_id=rest.pop("socialId", None),
            imei=rest.pop("imei", None),
            user_name=rest.pop("userName", None),
            company_size=_integer(rest.pop("companySize", None)),
            company_branch=rest.pop("companyBranch", None),
            account_name=rest.pop("accountName", None),
            role=rest.pop("role", None),
            last_payment_date=None
            if (value := rest.pop("lastPaymentDate", None)) is None
            else CalendarDate.from_dict(value),
            registration_date=None
            if (value := rest.pop("registrationDate", None)) is None
            else CalendarDate.from_dict(value),
            login_status=_integer(rest.pop("loginStatus", None)),
            store_zip_code=rest.pop("storeZipCode", None),
            store_number=rest.pop("storeNumber", None),
            additional_properties=rest,
        )

    def to_dict(self) -> requests.CustomerInfo:
        data: dict[str, Any] = {**self.additional_properties}
        data |= _given(
            ("ctype", self.ctype),
            ("cstatus", self.cstatus),
            ("customerId", self.customer_id),
            ("balance", self.balance),
            ("currency", self.currency),
            ("socialId", self.social_id),
            ("imei", self.imei),
            ("userName", self.user_name),
            ("companySize", self.company_size),
            ("companyBranch", self.company_branch),
            ("accountName", self.account_name),
            ("role", self.role),
            ("lastPaymentDate", self.last_payment_date),
            ("registrationDate", self.registration_date),
            ("loginStatus", self.login_status),
            ("storeZipCode", self.store_zip_code),
            ("storeNumber", self.store_number),
        )
        return cast("requests.CustomerInfo", data)


@_frozen(kw_only=True, field_transformer=_copies, repr=False)
class CalendarDate(Model):
    """A day of the calendar."""

    day: int | None = None
    """Day of the month."""
    month: int | None = None
    """Month of the year."""
    year: int | None = None
    """Year."""

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        rest = {**data}
        return cls(
            day=_integer(rest.pop("day", None)),
            month=_integer(rest.pop("month", None)),
            year=_integer(rest.pop("year", None)),
            additional_properties=rest,
        )

    def to_dict(self) -> requests.CalendarDate:
        data: dict[str, Any] = {**self.additional_properties}
        data |= _given(("day", self.day), ("month", self.month), ("year", self.year))
        return cast("requests.CalendarDate", data)


@_frozen(kw_only=True, field_transformer=_copies, repr=False)
class MarketingInfoAttribute(Model):
    """Where the visitor came from."""

    type_: Literal["mrktInfo"] = "mrktInfo"
    info: MarketingInfo | None = None

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        rest = {**data}
        return cls(
            type_=_const(rest.pop("type"), "mrktInfo", "type"),
            info=None if (value := rest.pop("info", None)) is None else MarketingInfo.from_dict(value),
            additional_properties=rest,
        )

    def to_dict(self) -> requests.MarketingInfoAttribute:
        data: dict[str, Any] = {**self.additional_properties, "type": self.type_}
        data |= _given(("info", self.info))
        return cast("requests.MarketingInfoAttribute", data)


@_frozen(kw_only=True, field_transformer=_copies, repr=False)
class MarketingInfo(Model):
    """Where the visitor came from."""

    channel: int | str | None = None
    """How the visitor came, as a number or a quoted digit: 0 direct, 1 search, 2 social, 3 email, 4 referral, 5 paid
    search, 6 display.
    """
    affiliate: str | None = None
    """Affiliate that sent the visitor."""
    campaign_id: str | None = None
    """The brand's own name of its marketing campaign."""

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        rest = {**data}
        return cls(
            channel=_integer(rest.pop("channel", None)),
            affiliate=rest.pop("affiliate", None),
            campaign_id=rest.pop("campaignId", None),
            additional_properties=rest,
        )

    def to_dict(self) -> requests.MarketingInfo:
        data: dict[str, Any] = {**self.additional_properties}
        data |= _given(("channel", self.channel), ("affiliate", self.affiliate), ("campaignId", self.campaign_id))
        return cast("requests.MarketingInfo", data)


@_frozen(kw_only=True, field_transformer=_copies, repr=False)
class CartAttribute(Model):
    """What lies in the shopping cart."""

    type_: Literal["cart"] = "cart"
    total: float
    """Total amount."""
    num_items: int
    """Number of items."""
    currency: str | None = None
    """Currency of the amounts beside it, such as USD."""
    products: Sequence[ProductLine] | None = None
    """Products, each with its quantity."""

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        rest = {**data}
        return cls(
            type_=_const(rest.pop("type"), "cart", "type"),
            total=rest.pop("total"),
            num_items=_integer(rest.pop("numItems")),
            currency=rest.pop("currency", None),
            products=_each(ProductLine.from_dict, rest.pop("products", None)),
            additional_properties=rest,
        )

    def to_dict(self) -> requests.CartAttribute:
        data: dict[str, Any] = {
            **self.additional_properties,
            "type": self.type_,
            "total": self.total,
            "numItems": self.num_items,
        }
        data |= _given(("currency", self.currency), ("products", self.products))
        return cast("requests.CartAttribute", data)


@_frozen(kw_only=True, field_transformer=_copies, repr=False)
class PurchaseAttribute(Model):
    """What was bought."""

    type_: Literal["purchase"] = "purchase"
    total: float | None = None
    """Total amount."""
    currency: str | None = None
    """Currency of the amounts beside it, such as USD."""
    order_id: str | None = None
    """The brand's own id of the order."""
    cart: PurchasedCart | None = None

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        rest = {**data}
        return cls(
            type_=_const(rest.pop("type"), "purchase", "type"),
            total=rest.pop("total", None),
            currency=rest.pop("currency", None),
            order_id=rest.pop("orderId", None),
            cart=None if (value := rest.pop("cart", None)) is None else PurchasedCart.from_dict(value),
            additional_properties=rest,
        )

    def to_dict(self) -> requests.PurchaseAttribute:
        data: dict[str, Any] = {**self.additional_properties, "type": self.type_}
        data |= _given(
            ("total", self.total), ("currency", self.currency), ("orderId", self.order_id), ("cart", self.cart)
        )
        return cast("requests.PurchaseAttribute", data)


@_frozen(kw_only=True, field_transformer=_copies, repr=False)
class PurchasedCart(Model):
    """The cart that was bought."""

    products: Sequence[ProductLine]
    """Products, each with its quantity."""
    num_items: int | None = None
    """Number of items."""

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        rest = {**data}
        return cls(
            products=tuple([ProductLine.from_dict(item) for item in rest.pop("products")]),
            num_items=_integer(rest.pop("numItems", None)),
            additional_properties=rest,
        )

    def to_dict(self) -> requests.PurchasedCart:
        data: dict[str, Any] = {**self.additional_properties, "products": _json(self.products)}
        data |= _given(("numItems", self.num_items))
        return cast("requests.PurchasedCart", data)


@_frozen(kw_only=True, field_transformer=_copies, repr=False)
class ProductViewAttribute(Model):
    """What was looked at."""

    type_: Literal["prodView"] = "prodView"
    currency: str | None = None
    """Currency of the amounts beside it, such as USD."""
    products: Sequence[ProductLine] | None = None
    """Products, each with its quantity."""

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        rest = {**data}
        return cls(
            type_=_const(rest.pop("type"), "prodView", "type"),
            currency=rest.pop("currency", None),
            products=_each(ProductLine.from_dict, rest.pop("products", None)),
            additional_properties=rest,
        )

    def to_dict(self) -> requests.ProductViewAttribute:
        data: dict[str, Any] = {**self.additional_properties, "type": self.type_}
        data |= _given(("currency", self.currency), ("products", self.products))
        return cast("requests.ProductViewAttribute", data)


@_frozen(kw_only=True, field_transformer=_copies, repr=False)
class ProductLine(Model):
    """A product and its quantity."""

    product: Product
    quantity: int | None = None
    """How many."""

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        rest = {**data}
        return cls(
            product=Product.from_dict(rest.pop("product")),
            quantity=_integer(rest.pop("quantity", None)),
            additional_properties=rest,
        )

    def to_dict(self) -> requests.ProductLine:
        data: dict[str, Any] = {**self.additional_properties, "product": _json(self.product)}
        data |= _given(("quantity", self.quantity))
        return cast("requests.ProductLine", data)


@_frozen(kw_only=True, field_transformer=_copies, repr=False)
class Product(Model):
    """A product."""

    name: str | None = None
    """Name of the product."""
    category: str | None = None
    """Category of the product."""
    sku: str | None = None
    """The brand's own id of the product."""
    price: float | None = None
    """Price of one."""

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        rest = {**data}
        return cls(
            name=rest.pop("name", None),
            category=rest.pop("category", None),
            sku=rest.pop("sku", None),
            price=rest.pop("price", None),
            additional_properties=rest,
        )

    def to_dict(self) -> requests.Product:
        data: dict[str, Any] = {**self.additional_properties}
        data |= _given(("name", self.name), ("category", self.category), ("sku", self.sku), ("price", self.price))
        return cast("requests.Product", data)


@_frozen(kw_only=True, field_transformer=_copies, repr=False)
class LeadAttribute(Model):
    """Interest that sales may follow."""

    type_: Literal["lead"] = "lead"
    lead: Lead | None = None

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        rest = {**data}
        return cls(
            type_=_const(rest.pop("type"), "lead", "type"),
            lead=None if (value := rest.pop("lead", None)) is None else Lead.from_dict(value),
            additional_properties=rest,
        )

    def to_dict(self) -> requests.LeadAttribute:
        data: dict[str, Any] = {**self.additional_properties, "type": self.type_}
        data |= _given(("lead", self.lead))
        return cast("requests.LeadAttribute", data)


@_frozen(kw_only=True, field_transformer=_copies, repr=False)
class Lead(Model):
    """Interest that sales may follow."""

    topic: str | None = None
    """What the interest is in."""
    value: float | None = None
    """What the lead is worth."""
    currency: str | None = None
    """Currency of the amounts beside it, such as USD."""
    lead_id: str | None = None
    """The brand's own id of the lead."""

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        rest = {**data}
        return cls(
            topic=rest.pop("topic", None),
            value=rest.pop("value", None),
            currency=rest.pop("currency", None),
            lead_id=rest.pop("leadId", None),
            additional_properties=rest,
        )

    def to_dict(self) -> requests.Lead:
        data: dict[str, Any] = {**self.additional_properties}
        data |= _given(
            ("topic", self.topic), ("value", self.value), ("currency", self.currency), ("leadId", self.lead_id)
        )
        return cast("requests.Lead", data)


@_frozen(kw_only=True, field_transformer=_copies, repr=False)
class ServiceAttribute(Model):
    """A service request that the visitor has open."""

    type_: Literal["service"] = "service"
    service: ServiceActivity | None = None

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        rest = {**data}
        return cls(
            type_=_const(rest.pop("type"), "service", "type"),
            service=None if (value := rest.pop("service", None)) is None else ServiceActivity.from_dict(value),
            additional_properties=rest,
        )

    def to_dict(self) -> requests.ServiceAttribute:
        data: dict[str, Any] = {**self.additional_properties, "type": self.type_}
        data |= _given(("service", self.service))
        return cast("requests.ServiceAttribute", data)


@_frozen(kw_only=True, field_transformer=_copies, repr=False)
class ServiceActivity(Model):
    """A service request that the visitor has open."""

    topic: str | None = None
    """What it is about."""
    status: ServiceStatus | None = None
    category: str | None = None
    """Category of the request."""
    service_id: str | None = None
    """The brand's own id of the request."""

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        rest = {**data}
        return cls(
            topic=rest.pop("topic", None),
            status=None if (value := rest.pop("status", None)) is None else ServiceStatus(value),
            category=rest.pop("category", None),
            service_id=rest.pop("serviceId", None),
            additional_properties=rest,
        )

    def to_dict(self) -> requests.ServiceActivity:
        data: dict[str, Any] = {**self.additional_properties}
        data |= _given(
            ("topic", self.topic), ("status", self.status), ("category", self.category), ("serviceId", self.service_id)
        )
        return cast("requests.ServiceActivity", data)


@_frozen(kw_only=True, field_transformer=_copies, repr=False)
class ErrorAttribute(Model):
    """What went wrong for the visitor."""

    type_: Literal["error"] = "error"
    error: VisitorError | None = None

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        rest = {**data}
        return cls(
            type_=_const(rest.pop("type"), "error", "type"),
            error=None if (value := rest.pop("error", None)) is None else VisitorError.from_dict(value),
            additional_properties=rest,
        )

    def to_dict(self) -> requests.ErrorAttribute:
        data: dict[str, Any] = {**self.additional_properties, "type": self.type_}
        data |= _given(("error", self.error))
        return cast("requests.ErrorAttribute", data)


@_frozen(kw_only=True, field_transformer=_copies, repr=False)
class VisitorError(Model):
    """What went wrong for the visitor."""

    context_id: str | None = None
    """Where it happened."""
    message: str | None = None
    """What the visitor was told."""
    code: str | None = None
    """The brand's own error code."""
    level: int | None = None
    """How bad it is, in the brand's own numbers."""
    resolved: bool | None = None
    """Whether it has been put right."""

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        rest = {**data}
        return cls(
            context_id=rest.pop("contextId", None),
            message=rest.pop("message", None),
            code=rest.pop("code", None),
            level=_integer(rest.pop("level", None)),
            resolved=rest.pop("resolved", None),
            additional_properties=rest,
        )

    def to_dict(self) -> requests.VisitorError:
        data: dict[str, Any] = {**self.additional_properties}
        data |= _given(
            ("contextId", self.context_id),
            ("message", self.message),
            ("code", self.code),
            ("level", self.level),
            ("resolved", self.resolved),
        )
        return cast("requests.VisitorError", data)


@_frozen(kw_only=True, field_transformer=_copies, repr=False)
class SearchAttribute(Model):
    """What the visitor searched for."""

    type_: Literal["searchInfo"] = "searchInfo"
    keywords: Sequence[str] | None = None
    """Words that were searched for."""

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        rest = {**data}
        return cls(
            type_=_const(rest.pop("type"), "searchInfo", "type"),
            keywords=None if (value := rest.pop("keywords", None)) is None else _tuple(value),
            additional_properties=rest,
        )

    def to_dict(self) -> requests.SearchAttribute:
        data: dict[str, Any] = {**self.additional_properties, "type": self.type_}
        data |= _given(("keywords", self.keywords))
        return cast("requests.SearchAttribute", data)


@_frozen(kw_only=True, field_transformer=_copies, repr=False)
class DisplayImpression(Model):
    """The engagement was shown."""

    type_: Literal["impDisplay"] = "impDisplay"
    campaign: int
    """The engagement's campaignId."""
    eng_id: int
    """The engagement's engagementId."""
    revision: int
    """The engagement's engagementRevision."""
    e_context: Sequence[EngagementContext]
    """The contexts in which the engagement was offered."""

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        rest = {**data}
        return cls(
            type_=_const(rest.pop("type"), "impDisplay", "type"),
            campaign=_integer(rest.pop("campaign")),
            eng_id=_integer(rest.pop("engId")),
            revision=_integer(rest.pop("revision")),
            e_context=tuple([EngagementContext.from_dict(item) for item in rest.pop("eContext")]),
            additional_properties=rest,
        )

    def to_dict(self) -> requests.DisplayImpression:
        data: dict[str, Any] = {
            **self.additional_properties,
            "type": self.type_,
            "campaign": self.campaign,
            "engId": self.eng_id,
            "revision": self.revision,
            "eContext": _json(self.e_context),
        }
        return cast("requests.DisplayImpression", data)


@_frozen(kw_only=True, field_transformer=_copies, repr=False)
class AcceptImpression(Model):
    """The visitor clicked on the engagement."""

    type_: Literal["impAccept"] = "impAccept"
    campaign: int
    """The engagement's campaignId."""
    eng_id: int
    """The engagement's engagementId."""
    revision: int
    """The engagement's engagementRevision."""
    e_context: Sequence[EngagementContext]
    """The contexts in which the engagement was offered."""

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        rest = {**data}
        return cls(
            type_=_const(rest.pop("type"), "impAccept", "type"),
            campaign=_integer(rest.pop("campaign")),
            eng_id=_integer(rest.pop("engId")),
            revision=_integer(rest.pop("revision")),
            e_context=tuple([EngagementContext.from_dict(item) for item in rest.pop("eContext")]),
            additional_properties=rest,
        )

    def to_dict(self) -> requests.AcceptImpression:
        data: dict[str, Any] = {
            **self.additional_properties,
            "type": self.type_,
            "campaign": self.campaign,
            "engId": self.eng_id,
            "revision": self.revision,
            "eContext": _json(self.e_context),
        }
        return cast("requests.AcceptImpression", data)


@_frozen(kw_only=True, field_transformer=_copies, repr=False)
class ExpandedImpression(Model):
    """The engagement was expanded."""

    type_: Literal["impExpanded"] = "impExpanded"
    campaign: int
    """The engagement's campaignId."""
    eng_id: int
    """The engagement's engagementId."""
    revision: int
    """The engagement's engagementRevision."""
    expanded: Any = None
    """May be null. The vendor gives no type."""
    user_init: Any = None
    """Whether the visitor caused it. May be null. The vendor gives no type."""
    actionable_items: Any = None
    """What the visitor can act on. May be null. The vendor gives no type."""

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        rest = {**data}
        return cls(
            type_=_const(rest.pop("type"), "impExpanded", "type"),
            campaign=_integer(rest.pop("campaign")),
            eng_id=_integer(rest.pop("engId")),
            revision=_integer(rest.pop("revision")),
            expanded=rest.pop("expanded"),
            user_init=rest.pop("userInit"),
            actionable_items=rest.pop("actionableItems"),
            additional_properties=rest,
        )

    def to_dict(self) -> requests.ExpandedImpression:
        data: dict[str, Any] = {
            **self.additional_properties,
            "type": self.type_,
            "campaign": self.campaign,
            "engId": self.eng_id,
            "revision": self.revision,
            "expanded": self.expanded,
            "userInit": self.user_init,
            "actionableItems": self.actionable_items,
        }
        return cast("requests.ExpandedImpression", data)


@_frozen(kw_only=True, field_transformer=_copies, repr=False)
class TimeoutImpression(Model):
    """The engagement went away by itself."""

    type_: Literal["impTimeout"] = "impTimeout"
    campaign: int
    """The engagement's campaignId."""
    eng_id: int
    """The engagement's engagementId."""
    revision: int
    """The engagement's engagementRevision."""

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        rest = {**data}
        return cls(
            type_=_const(rest.pop("type"), "impTimeout", "type"),
            campaign=_integer(rest.pop("campaign")),
            eng_id=_integer(rest.pop("engId")),
            revision=_integer(rest.pop("revision")),
            additional_properties=rest,
        )

    def to_dict(self) -> requests.TimeoutImpression:
        data: dict[str, Any] = {
            **self.additional_properties,
            "type": self.type_,
            "campaign": self.campaign,
            "engId": self.eng_id,
            "revision": self.revision,
        }
        return cast("requests.TimeoutImpression", data)


@_frozen(kw_only=True, field_transformer=_copies, repr=False)
class CloseImpression(Model):
    """The visitor closed the engagement."""

    type_: Literal["impClose"] = "impClose"
    campaign: int
    """The engagement's campaignId."""
    eng_id: int
    """The engagement's engagementId."""
    revision: int
    """The engagement's engagementRevision."""

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        rest = {**data}
        return cls(
            type_=_const(rest.pop("type"), "impClose", "type"),
            campaign=_integer(rest.pop("campaign")),
            eng_id=_integer(rest.pop("engId")),
            revision=_integer(rest.pop("revision")),
            additional_properties=rest,
        )

    def to_dict(self) -> requests.CloseImpression:
        data: dict[str, Any] = {
            **self.additional_properties,
            "type": self.type_,
            "campaign": self.campaign,
            "engId": self.eng_id,
            "revision": self.revision,
        }
        return cast("requests.CloseImpression", data)


@_frozen(kw_only=True, field_transformer=_copies, repr=False)
class EngagementContext(Model):
    """A context in which the engagement was offered."""

    type_: Literal["engagementContext"] = "engagementContext"
    id: str
    """The engagement's contextId."""

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        rest = {**data}
        return cls(
            type_=_const(rest.pop("type"), "engagementContext", "type"), id=rest.pop("id"), additional_properties=rest
        )

    def to_dict(self) -> requests.EngagementContext:
        data: dict[str, Any] = {**self.additional_properties, "type": self.type_, "id": self.id}
        return cast("requests.EngagementContext", data)


ImpressionEvent: TypeAlias = (
    DisplayImpression | AcceptImpression | ExpandedImpression | TimeoutImpression | CloseImpression
)
"""What the visitor did with the engagement, told apart by its type. The values come from the engagement: see the
links of the Session answer.
"""
ImpressionEventType: TypeAlias = Literal["impDisplay", "impAccept", "impExpanded", "impTimeout", "impClose"]
"""The values of its type."""

Session: TypeAlias = AvailableSession | NotAvailableSession
"""The answer to a session request: with an engagement, or without."""
SessionStatus: TypeAlias = Literal["Available", "NotAvailable"]
"""The values of its status."""

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
EngagementAttributeType: TypeAlias = Literal[
    "personal", "ctmrinfo", "mrktInfo", "cart", "purchase", "prodView", "lead", "service", "error", "searchInfo"
]
"""The values of its type."""

ErrorAnswer: TypeAlias = ErrorEntity | WrappedErrorEntity
"""Why a request failed: plain, or wrapped as some services behind the gateway do."""

_IMPRESSION_EVENT_FROM_DICT: Final[Mapping[str, Callable[[Mapping[str, Any]], ImpressionEvent]]] = {
    "impDisplay": DisplayImpression.from_dict,
    "impAccept": AcceptImpression.from_dict,
    "impExpanded": ExpandedImpression.from_dict,
    "impTimeout": TimeoutImpression.from_dict,
    "impClose": CloseImpression.from_dict,
}

_SESSION_FROM_DICT: Final[Mapping[str, Callable[[Mapping[str, Any]], Session]]] = {
    "Available": AvailableSession.from_dict,
    "NotAvailable": NotAvailableSession.from_dict,
}

_ENGAGEMENT_ATTRIBUTE_FROM_DICT: Final[Mapping[str, Callable[[Mapping[str, Any]], EngagementAttribute]]] = {
    "personal": PersonalAttribute.from_dict,
    "ctmrinfo": CustomerInfoAttribute.from_dict,
    "mrktInfo": MarketingInfoAttribute.from_dict,
    "cart": CartAttribute.from_dict,
    "purchase": PurchaseAttribute.from_dict,
    "prodView": ProductViewAttribute.from_dict,
    "lead": LeadAttribute.from_dict,
    "service": ServiceAttribute.from_dict,
    "error": ErrorAttribute.from_dict,
    "searchInfo": SearchAttribute.from_dict,
}


def impression_event_from_dict(data: Mapping[str, Any]) -> ImpressionEvent:
    """Read the member of ImpressionEvent that its type names."""
    return _tagged(_IMPRESSION_EVENT_FROM_DICT, data, "type")


def session_from_dict(data: Mapping[str, Any]) -> Session:
    """Read the member of Session that its status names."""
    return _tagged(_SESSION_FROM_DICT, data, "status")


def engagement_attribute_from_dict(data: Mapping[str, Any]) -> EngagementAttribute:
    """Read the member of EngagementAttribute that its type names."""
    return _tagged(_ENGAGEMENT_ATTRIBUTE_FROM_DICT, data, "type")


def error_answer_from_dict(data: Mapping[str, Any]) -> ErrorAnswer:
    """Read the member of ErrorAnswer that the members of the data tell."""
    if "error" in data:
        return WrappedErrorEntity.from_dict(data)
    return ErrorEntity.from_dict(data)
