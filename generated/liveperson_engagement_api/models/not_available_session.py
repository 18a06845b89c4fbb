# Written by scripts/generate from openapi.yaml. Do not edit: change the contract and run scripts/generate.
# openapi-python-client 0.29.1, datamodel-code-generator 0.89.0, ruff 0.17.6

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="NotAvailableSession")


@_attrs_define
class NotAvailableSession:
    """No engagement is to be shown now."""

    status: Literal["NotAvailable"]
    """ Says that no engagement is to be shown now. """
    page_id: str
    """ Names the page that impression events and updates refer to. Opaque. """
    session_id: str
    """ Names a session of a visitor. Opaque, except that it fits into a URL. """
    visitor_id: str
    """ Names a visitor. Opaque, except that it fits into a URL: it is not made of dots alone, and not longer than
    this. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        status = self.status

        page_id = self.page_id

        session_id = self.session_id

        visitor_id = self.visitor_id

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "status": status,
                "pageId": page_id,
                "sessionId": session_id,
                "visitorId": visitor_id,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        status = cast(Literal["NotAvailable"], d.pop("status"))
        if status != "NotAvailable":
            raise ValueError(f"status must match const 'NotAvailable', got '{status}'")

        page_id = d.pop("pageId")

        session_id = d.pop("sessionId")

        visitor_id = d.pop("visitorId")

        not_available_session = cls(
            status=status,
            page_id=page_id,
            session_id=session_id,
            visitor_id=visitor_id,
        )

        not_available_session.additional_properties = d
        return not_available_session

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
