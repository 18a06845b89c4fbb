# Written by scripts/generate from openapi.yaml. Do not edit: change the contract and run scripts/generate.
# openapi-python-client 0.29.1, datamodel-code-generator 0.89.0, ruff 0.17.6

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.device_family import DeviceFamily
from ..models.os_family import OsFamily
from ..types import UNSET, Unset

T = TypeVar("T", bound="AppDetails")


@_attrs_define
class AppDetails:
    """The app and the device that it runs on, for troubleshooting."""

    os: OsFamily | Unset = UNSET
    """ Family of the operating system. """
    os_version: str | Unset = UNSET
    """ Version of the operating system. """
    app_version: str | Unset = UNSET
    """ Version of the app. """
    device_family: DeviceFamily | Unset = UNSET
    """ Kind of device. """
    ip_address: str | Unset = UNSET
    """ The visitor's IPv4 or IPv6 address. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        os: str | Unset = UNSET
        if not isinstance(self.os, Unset):
            os = self.os.value

        os_version = self.os_version

        app_version = self.app_version

        device_family: str | Unset = UNSET
        if not isinstance(self.device_family, Unset):
            device_family = self.device_family.value

        ip_address = self.ip_address

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({})
        if os is not UNSET:
            field_dict["os"] = os
        if os_version is not UNSET:
            field_dict["osVersion"] = os_version
        if app_version is not UNSET:
            field_dict["appVersion"] = app_version
        if device_family is not UNSET:
            field_dict["deviceFamily"] = device_family
        if ip_address is not UNSET:
            field_dict["ipAddress"] = ip_address

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        _os = d.pop("os", UNSET)
        os: OsFamily | Unset
        if isinstance(_os, Unset):
            os = UNSET
        else:
            os = OsFamily(_os)

        os_version = d.pop("osVersion", UNSET)

        app_version = d.pop("appVersion", UNSET)

        _device_family = d.pop("deviceFamily", UNSET)
        device_family: DeviceFamily | Unset
        if isinstance(_device_family, Unset):
            device_family = UNSET
        else:
            device_family = DeviceFamily(_device_family)

        ip_address = d.pop("ipAddress", UNSET)

        app_details = cls(
            os=os,
            os_version=os_version,
            app_version=app_version,
            device_family=device_family,
            ip_address=ip_address,
        )

        app_details.additional_properties = d
        return app_details

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
