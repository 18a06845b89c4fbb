# Written by scripts/generate from openapi.yaml. Do not edit: change the contract and run scripts/generate.
# openapi-python-client 0.29.1, datamodel-code-generator 0.89.0, ruff 0.17.6

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="ServiceDomain")


@_attrs_define
class ServiceDomain:
    """The host that serves an account."""

    base_uri: str
    """ A bare host name, with an optional port: no scheme, no path, no user. """
    service: str | Unset = UNSET
    """ The service that was asked for. """
    account: str | Unset = UNSET
    """ The account that was asked for. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        base_uri = self.base_uri

        service = self.service

        account = self.account

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "baseURI": base_uri,
            }
        )
        if service is not UNSET:
            field_dict["service"] = service
        if account is not UNSET:
            field_dict["account"] = account

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        base_uri = d.pop("baseURI")

        service = d.pop("service", UNSET)

        account = d.pop("account", UNSET)

        service_domain = cls(
            base_uri=base_uri,
            service=service,
            account=account,
        )

        service_domain.additional_properties = d
        return service_domain

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
