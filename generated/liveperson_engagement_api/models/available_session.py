# Written by scripts/generate from openapi.yaml. Do not edit: change the contract and run scripts/generate.
# openapi-python-client 0.29.1, datamodel-code-generator 0.89.0, ruff 0.17.6

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.engagement_details import EngagementDetails


T = TypeVar("T", bound="AvailableSession")


@_attrs_define
class AvailableSession:
    """An engagement may be shown."""

    status: Literal["Available"]
    """ Says that an engagement may be shown. """
    page_id: str
    """ Names the page that impression events and updates refer to. Opaque. """
    session_id: str
    """ Names a session of a visitor. Opaque, except that it fits into a URL. """
    visitor_id: str
    """ Names a visitor. Opaque, except that it fits into a URL: it is not made of dots alone, and not longer than
    this. """
    engagement_details: EngagementDetails
    """ The engagement that may be shown. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        status = self.status

        page_id = self.page_id

        session_id = self.session_id

        visitor_id = self.visitor_id

        engagement_details = self.engagement_details.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "status": status,
                "pageId": page_id,
                "sessionId": session_id,
                "visitorId": visitor_id,
                "engagementDetails": engagement_details,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.engagement_details import EngagementDetails

        d = dict(src_dict)
        status = cast(Literal["Available"], d.pop("status"))
        if status != "Available":
            raise ValueError(f"status must match const 'Available', got '{status}'")

        page_id = d.pop("pageId")

        session_id = d.pop("sessionId")

        visitor_id = d.pop("visitorId")

        engagement_details = EngagementDetails.from_dict(d.pop("engagementDetails"))

        available_session = cls(
            status=status,
            page_id=page_id,
            session_id=session_id,
            visitor_id=visitor_id,
            engagement_details=engagement_details,
        )

        available_session.additional_properties = d
        return available_session

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
