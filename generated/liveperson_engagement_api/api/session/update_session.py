# Written by scripts/generate from openapi.yaml. Do not edit: change the contract and run scripts/generate.
# openapi-python-client 0.29.1, datamodel-code-generator 0.89.0, ruff 0.17.6

from http import HTTPStatus
from typing import Any, Literal, cast
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.error_entity import ErrorEntity
from ...models.update_session_body import UpdateSessionBody
from ...models.wrapped_error_entity import WrappedErrorEntity
from ...types import UNSET, Response


def _get_kwargs(
    account_id: str,
    visitor_id: str,
    *,
    body: UpdateSessionBody,
    sid: str,
    v: Literal["1.0"] = "1.0",
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    params: dict[str, Any] = {}

    params["sid"] = sid

    params["v"] = v

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "put",
        "url": "/api/account/{account_id}/app/engagement/visitors/{visitor_id}".format(
            account_id=quote(str(account_id), safe=""),
            visitor_id=quote(str(visitor_id), safe=""),
        ),
        "params": params,
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Any | ErrorEntity | WrappedErrorEntity | None:
    if response.status_code == 200:
        response_200 = cast(Any, None)
        return response_200

    if response.status_code == 400:

        def _parse_response_400(data: object) -> ErrorEntity | WrappedErrorEntity:
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                componentsschemas_error_answer_type_0 = ErrorEntity.from_dict(data)

                return componentsschemas_error_answer_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            if not isinstance(data, dict):
                raise TypeError()
            componentsschemas_error_answer_type_1 = WrappedErrorEntity.from_dict(data)

            return componentsschemas_error_answer_type_1

        response_400 = _parse_response_400(response.json())

        return response_400

    if response.status_code == 401:

        def _parse_response_401(data: object) -> ErrorEntity | WrappedErrorEntity:
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                componentsschemas_error_answer_type_0 = ErrorEntity.from_dict(data)

                return componentsschemas_error_answer_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            if not isinstance(data, dict):
                raise TypeError()
            componentsschemas_error_answer_type_1 = WrappedErrorEntity.from_dict(data)

            return componentsschemas_error_answer_type_1

        response_401 = _parse_response_401(response.json())

        return response_401

    if response.status_code == 404:

        def _parse_response_404(data: object) -> ErrorEntity | WrappedErrorEntity:
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                componentsschemas_error_answer_type_0 = ErrorEntity.from_dict(data)

                return componentsschemas_error_answer_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            if not isinstance(data, dict):
                raise TypeError()
            componentsschemas_error_answer_type_1 = WrappedErrorEntity.from_dict(data)

            return componentsschemas_error_answer_type_1

        response_404 = _parse_response_404(response.json())

        return response_404

    if response.status_code == 500:

        def _parse_response_500(data: object) -> ErrorEntity | WrappedErrorEntity:
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                componentsschemas_error_answer_type_0 = ErrorEntity.from_dict(data)

                return componentsschemas_error_answer_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            if not isinstance(data, dict):
                raise TypeError()
            componentsschemas_error_answer_type_1 = WrappedErrorEntity.from_dict(data)

            return componentsschemas_error_answer_type_1

        response_500 = _parse_response_500(response.json())

        return response_500

    if response.status_code == 503:

        def _parse_response_503(data: object) -> ErrorEntity | WrappedErrorEntity:
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                componentsschemas_error_answer_type_0 = ErrorEntity.from_dict(data)

                return componentsschemas_error_answer_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            if not isinstance(data, dict):
                raise TypeError()
            componentsschemas_error_answer_type_1 = WrappedErrorEntity.from_dict(data)

            return componentsschemas_error_answer_type_1

        response_503 = _parse_response_503(response.json())

        return response_503

    if client.raise_on_unexpected_status:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    else:
        return None


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[Any | ErrorEntity | WrappedErrorEntity]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    account_id: str,
    visitor_id: str,
    *,
    client: AuthenticatedClient | Client,
    body: UpdateSessionBody,
    sid: str,
    v: Literal["1.0"] = "1.0",
) -> Response[Any | ErrorEntity | WrappedErrorEntity]:
    """Add attributes, report impressions

     Tells the service more about the visitor, or what the visitor did with the engagement that was
    offered. Impression events count
    only in the session in which the engagement was created.

    Args:
        account_id (str): The brand's LivePerson account (site) id.
        visitor_id (str): Names a visitor. Opaque, except that it fits into a URL: it is not made
            of dots alone, and not longer than this.
        sid (str): Names a session of a visitor. Opaque, except that it fits into a URL.
        v (Literal['1.0']): Version of the App Engagement API, spelled exactly 1.0. Default:
            '1.0'.
        body (UpdateSessionBody): What is new in a session, and the page that it belongs to.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Any | ErrorEntity | WrappedErrorEntity]
    """

    kwargs = _get_kwargs(
        account_id=account_id,
        visitor_id=visitor_id,
        body=body,
        sid=sid,
        v=v,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    account_id: str,
    visitor_id: str,
    *,
    client: AuthenticatedClient | Client,
    body: UpdateSessionBody,
    sid: str,
    v: Literal["1.0"] = "1.0",
) -> Any | ErrorEntity | WrappedErrorEntity | None:
    """Add attributes, report impressions

     Tells the service more about the visitor, or what the visitor did with the engagement that was
    offered. Impression events count
    only in the session in which the engagement was created.

    Args:
        account_id (str): The brand's LivePerson account (site) id.
        visitor_id (str): Names a visitor. Opaque, except that it fits into a URL: it is not made
            of dots alone, and not longer than this.
        sid (str): Names a session of a visitor. Opaque, except that it fits into a URL.
        v (Literal['1.0']): Version of the App Engagement API, spelled exactly 1.0. Default:
            '1.0'.
        body (UpdateSessionBody): What is new in a session, and the page that it belongs to.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Any | ErrorEntity | WrappedErrorEntity
    """

    return sync_detailed(
        account_id=account_id,
        visitor_id=visitor_id,
        client=client,
        body=body,
        sid=sid,
        v=v,
    ).parsed


async def asyncio_detailed(
    account_id: str,
    visitor_id: str,
    *,
    client: AuthenticatedClient | Client,
    body: UpdateSessionBody,
    sid: str,
    v: Literal["1.0"] = "1.0",
) -> Response[Any | ErrorEntity | WrappedErrorEntity]:
    """Add attributes, report impressions

     Tells the service more about the visitor, or what the visitor did with the engagement that was
    offered. Impression events count
    only in the session in which the engagement was created.

    Args:
        account_id (str): The brand's LivePerson account (site) id.
        visitor_id (str): Names a visitor. Opaque, except that it fits into a URL: it is not made
            of dots alone, and not longer than this.
        sid (str): Names a session of a visitor. Opaque, except that it fits into a URL.
        v (Literal['1.0']): Version of the App Engagement API, spelled exactly 1.0. Default:
            '1.0'.
        body (UpdateSessionBody): What is new in a session, and the page that it belongs to.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Any | ErrorEntity | WrappedErrorEntity]
    """

    kwargs = _get_kwargs(
        account_id=account_id,
        visitor_id=visitor_id,
        body=body,
        sid=sid,
        v=v,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    account_id: str,
    visitor_id: str,
    *,
    client: AuthenticatedClient | Client,
    body: UpdateSessionBody,
    sid: str,
    v: Literal["1.0"] = "1.0",
) -> Any | ErrorEntity | WrappedErrorEntity | None:
    """Add attributes, report impressions

     Tells the service more about the visitor, or what the visitor did with the engagement that was
    offered. Impression events count
    only in the session in which the engagement was created.

    Args:
        account_id (str): The brand's LivePerson account (site) id.
        visitor_id (str): Names a visitor. Opaque, except that it fits into a URL: it is not made
            of dots alone, and not longer than this.
        sid (str): Names a session of a visitor. Opaque, except that it fits into a URL.
        v (Literal['1.0']): Version of the App Engagement API, spelled exactly 1.0. Default:
            '1.0'.
        body (UpdateSessionBody): What is new in a session, and the page that it belongs to.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Any | ErrorEntity | WrappedErrorEntity
    """

    return (
        await asyncio_detailed(
            account_id=account_id,
            visitor_id=visitor_id,
            client=client,
            body=body,
            sid=sid,
            v=v,
        )
    ).parsed
