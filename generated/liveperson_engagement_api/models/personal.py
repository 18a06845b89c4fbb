# Written by scripts/generate from openapi.yaml. Do not edit: change the contract and run scripts/generate.
# openapi-python-client 0.29.1, datamodel-code-generator 0.89.0, ruff 0.17.6

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.gender import Gender
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.age import Age
    from ..models.contact import Contact


T = TypeVar("T", bound="Personal")


@_attrs_define
class Personal:
    """Who the visitor is."""

    firstname: str | Unset = UNSET
    """ Given name. """
    lastname: str | Unset = UNSET
    """ Family name. """
    gender: Gender | Unset = UNSET
    """ The visitor's gender, by name. """
    company: str | Unset = UNSET
    """ Company that the visitor works for. """
    language: str | Unset = UNSET
    """ The visitor's language, such as en-US or en_US. """
    age: Age | Unset = UNSET
    """ How old the visitor is, or when the visitor was born. """
    contacts: list[Contact] | Unset = UNSET
    """ Ways to reach the visitor. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        firstname = self.firstname

        lastname = self.lastname

        gender: str | Unset = UNSET
        if not isinstance(self.gender, Unset):
            gender = self.gender.value

        company = self.company

        language = self.language

        age: dict[str, Any] | Unset = UNSET
        if not isinstance(self.age, Unset):
            age = self.age.to_dict()

        contacts: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.contacts, Unset):
            contacts = []
            for contacts_item_data in self.contacts:
                contacts_item = contacts_item_data.to_dict()
                contacts.append(contacts_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({})
        if firstname is not UNSET:
            field_dict["firstname"] = firstname
        if lastname is not UNSET:
            field_dict["lastname"] = lastname
        if gender is not UNSET:
            field_dict["gender"] = gender
        if company is not UNSET:
            field_dict["company"] = company
        if language is not UNSET:
            field_dict["language"] = language
        if age is not UNSET:
            field_dict["age"] = age
        if contacts is not UNSET:
            field_dict["contacts"] = contacts

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.age import Age
        from ..models.contact import Contact

        d = dict(src_dict)
        firstname = d.pop("firstname", UNSET)

        lastname = d.pop("lastname", UNSET)

        _gender = d.pop("gender", UNSET)
        gender: Gender | Unset
        if isinstance(_gender, Unset):
            gender = UNSET
        else:
            gender = Gender(_gender)

        company = d.pop("company", UNSET)

        language = d.pop("language", UNSET)

        _age = d.pop("age", UNSET)
        age: Age | Unset
        if isinstance(_age, Unset):
            age = UNSET
        else:
            age = Age.from_dict(_age)

        _contacts = d.pop("contacts", UNSET)
        contacts: list[Contact] | Unset = UNSET
        if _contacts is not UNSET:
            contacts = []
            for contacts_item_data in _contacts:
                contacts_item = Contact.from_dict(contacts_item_data)

                contacts.append(contacts_item)

        personal = cls(
            firstname=firstname,
            lastname=lastname,
            gender=gender,
            company=company,
            language=language,
            age=age,
            contacts=contacts,
        )

        personal.additional_properties = d
        return personal

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
