# Written by scripts/generate from openapi.yaml. Do not edit: change the contract and run scripts/generate.
# openapi-python-client 0.29.1, datamodel-code-generator 0.89.0, ruff 0.17.6

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.calendar_date import CalendarDate


T = TypeVar("T", bound="CustomerInfo")


@_attrs_define
class CustomerInfo:
    """The visitor as the brand's customer."""

    ctype: str | Unset = UNSET
    """ Type of customer, in the brand's own words. """
    cstatus: str | Unset = UNSET
    """ Status of the customer, in the brand's own words. """
    customer_id: str | Unset = UNSET
    """ The brand's own id of the customer. """
    balance: float | Unset = UNSET
    """ Balance of the customer's account. """
    currency: str | Unset = UNSET
    """ Currency of the amounts beside it, such as USD. """
    social_id: str | Unset = UNSET
    """ Id in a social network. """
    imei: str | Unset = UNSET
    """ The device's IMEI. """
    user_name: str | Unset = UNSET
    """ Name that the customer signs in with. """
    company_size: int | Unset = UNSET
    """ Size of the customer's company, in people. """
    company_branch: str | Unset = UNSET
    """ Branch of the customer's company. """
    account_name: str | Unset = UNSET
    """ Name of the customer's account. """
    role: str | Unset = UNSET
    """ The customer's role. """
    last_payment_date: CalendarDate | Unset = UNSET
    """ A day of the calendar. """
    registration_date: CalendarDate | Unset = UNSET
    """ A day of the calendar. """
    login_status: int | Unset = UNSET
    """ Whether the customer is signed in, in the brand's own numbers. """
    store_zip_code: str | Unset = UNSET
    """ Postal code of the store. """
    store_number: str | Unset = UNSET
    """ Number of the store. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        ctype = self.ctype

        cstatus = self.cstatus

        customer_id = self.customer_id

        balance = self.balance

        currency = self.currency

        social_id = self.social_id

        imei = self.imei

        user_name = self.user_name

        company_size = self.company_size

        company_branch = self.company_branch

        account_name = self.account_name

        role = self.role

        last_payment_date: dict[str, Any] | Unset = UNSET
        if not isinstance(self.last_payment_date, Unset):
            last_payment_date = self.last_payment_date.to_dict()

        registration_date: dict[str, Any] | Unset = UNSET
        if not isinstance(self.registration_date, Unset):
            registration_date = self.registration_date.to_dict()

        login_status = self.login_status

        store_zip_code = self.store_zip_code

        store_number = self.store_number

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({})
        if ctype is not UNSET:
            field_dict["ctype"] = ctype
        if cstatus is not UNSET:
            field_dict["cstatus"] = cstatus
        if customer_id is not UNSET:
            field_dict["customerId"] = customer_id
        if balance is not UNSET:
            field_dict["balance"] = balance
        if currency is not UNSET:
            field_dict["currency"] = currency
        if social_id is not UNSET:
            field_dict["socialId"] = social_id
        if imei is not UNSET:
            field_dict["imei"] = imei
        if user_name is not UNSET:
            field_dict["userName"] = user_name
        if company_size is not UNSET:
            field_dict["companySize"] = company_size
        if company_branch is not UNSET:
            field_dict["companyBranch"] = company_branch
        if account_name is not UNSET:
            field_dict["accountName"] = account_name
        if role is not UNSET:
            field_dict["role"] = role
        if last_payment_date is not UNSET:
            field_dict["lastPaymentDate"] = last_payment_date
        if registration_date is not UNSET:
            field_dict["registrationDate"] = registration_date
        if login_status is not UNSET:
            field_dict["loginStatus"] = login_status
        if store_zip_code is not UNSET:
            field_dict["storeZipCode"] = store_zip_code
        if store_number is not UNSET:
            field_dict["storeNumber"] = store_number

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.calendar_date import CalendarDate

        d = dict(src_dict)
        ctype = d.pop("ctype", UNSET)

        cstatus = d.pop("cstatus", UNSET)

        customer_id = d.pop("customerId", UNSET)

        balance = d.pop("balance", UNSET)

        currency = d.pop("currency", UNSET)

        social_id = d.pop("socialId", UNSET)

        imei = d.pop("imei", UNSET)

        user_name = d.pop("userName", UNSET)

        company_size = d.pop("companySize", UNSET)

        company_branch = d.pop("companyBranch", UNSET)

        account_name = d.pop("accountName", UNSET)

        role = d.pop("role", UNSET)

        _last_payment_date = d.pop("lastPaymentDate", UNSET)
        last_payment_date: CalendarDate | Unset
        if isinstance(_last_payment_date, Unset):
            last_payment_date = UNSET
        else:
            last_payment_date = CalendarDate.from_dict(_last_payment_date)

        _registration_date = d.pop("registrationDate", UNSET)
        registration_date: CalendarDate | Unset
        if isinstance(_registration_date, Unset):
            registration_date = UNSET
        else:
            registration_date = CalendarDate.from_dict(_registration_date)

        login_status = d.pop("loginStatus", UNSET)

        store_zip_code = d.pop("storeZipCode", UNSET)

        store_number = d.pop("storeNumber", UNSET)

        customer_info = cls(
            ctype=ctype,
            cstatus=cstatus,
            customer_id=customer_id,
            balance=balance,
            currency=currency,
            social_id=social_id,
            imei=imei,
            user_name=user_name,
            company_size=company_size,
            company_branch=company_branch,
            account_name=account_name,
            role=role,
            last_payment_date=last_payment_date,
            registration_date=registration_date,
            login_status=login_status,
            store_zip_code=store_zip_code,
            store_number=store_number,
        )

        customer_info.additional_properties = d
        return customer_info

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
