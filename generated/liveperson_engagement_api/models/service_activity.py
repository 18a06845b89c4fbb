# Written by scripts/generate from openapi.yaml. Do not edit: change the contract and run scripts/generate.
# openapi-python-client 0.29.1, datamodel-code-generator 0.89.0, ruff 0.17.6

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.service_status import ServiceStatus
from ..types import UNSET, Unset

T = TypeVar("T", bound="ServiceActivity")


@_attrs_define
class ServiceActivity:
    """A service request that the visitor has open."""

    topic: str | Unset = UNSET
    """ What it is about. """
    status: ServiceStatus | Unset = UNSET
    """ How far the request is: 0 complete, 1 in progress, 2 approved, 3 cancelled, 4 not approved, 5 reviewed, 6
    missing details, 7 closed, 8 removed, 9 assigned, 10 waiting for customer response, 11 waiting for response, 12
    pending, 13 resolved. """
    category: str | Unset = UNSET
    """ Category of the request. """
    service_id: str | Unset = UNSET
    """ The brand's own id of the request. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        topic = self.topic

        status: int | Unset = UNSET
        if not isinstance(self.status, Unset):
            status = self.status.value

        category = self.category

        service_id = self.service_id

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({})
        if topic is not UNSET:
            field_dict["topic"] = topic
        if status is not UNSET:
            field_dict["status"] = status
        if category is not UNSET:
            field_dict["category"] = category
        if service_id is not UNSET:
            field_dict["serviceId"] = service_id

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        topic = d.pop("topic", UNSET)

        _status = d.pop("status", UNSET)
        status: ServiceStatus | Unset
        if isinstance(_status, Unset):
            status = UNSET
        else:
            status = ServiceStatus(_status)

        category = d.pop("category", UNSET)

        service_id = d.pop("serviceId", UNSET)

        service_activity = cls(
            topic=topic,
            status=status,
            category=category,
            service_id=service_id,
        )

        service_activity.additional_properties = d
        return service_activity

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
