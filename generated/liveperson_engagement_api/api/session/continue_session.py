# Written by scripts/generate from openapi.yaml. Do not edit: change the contract and run scripts/generate.
# openapi-python-client 0.29.1, datamodel-code-generator 0.89.0, ruff 0.17.6

from http import HTTPStatus
from typing import Any, Literal
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.available_session import AvailableSession
from ...models.create_session_body import CreateSessionBody
from ...models.error_entity import ErrorEntity
from ...models.not_available_session import NotAvailableSession
from ...models.wrapped_error_entity import WrappedErrorEntity
from ...types import UNSET, Response, Unset


def _get_kwargs(
    account_id: str,
    visitor_id: str,
    *,
    body: CreateSessionBody,
    sid: str | Unset = UNSET,
    v: Literal["1.0"] = "1.0",
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    params: dict[str, Any] = {}

    params["sid"] = sid

    params["v"] = v

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "post",
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
) -> AvailableSession | NotAvailableSession | ErrorEntity | WrappedErrorEntity | None:
    if response.status_code == 200:

        def _parse_response_200(data: object) -> AvailableSession | NotAvailableSession:
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                componentsschemas_session_type_0 = AvailableSession.from_dict(data)

                return componentsschemas_session_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            if not isinstance(data, dict):
                raise TypeError()
            componentsschemas_session_type_1 = NotAvailableSession.from_dict(data)

            return componentsschemas_session_type_1

        response_200 = _parse_response_200(response.json())

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
) -> Response[AvailableSession | NotAvailableSession | ErrorEntity | WrappedErrorEntity]:
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
    body: CreateSessionBody,
    sid: str | Unset = UNSET,
    v: Literal["1.0"] = "1.0",
) -> Response[AvailableSession | NotAvailableSession | ErrorEntity | WrappedErrorEntity]:
    """Ask again within a visit

     Every later request of a visit: names the visitor and the session of the last answer. If that
    session has ended, the service
    starts another one and answers with its id, which replaces the old one.

    Args:
        account_id (str): The brand's LivePerson account (site) id.
        visitor_id (str): Names a visitor. Opaque, except that it fits into a URL: it is not made
            of dots alone, and not longer than this.
        sid (str | Unset): Names a session of a visitor. Opaque, except that it fits into a URL.
        v (Literal['1.0']): Version of the App Engagement API, spelled exactly 1.0. Default:
            '1.0'.
        body (CreateSessionBody): The app, and what is known of the visitor.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[AvailableSession | NotAvailableSession | ErrorEntity | WrappedErrorEntity]
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
    body: CreateSessionBody,
    sid: str | Unset = UNSET,
    v: Literal["1.0"] = "1.0",
) -> AvailableSession | NotAvailableSession | ErrorEntity | WrappedErrorEntity | None:
    """Ask again within a visit

     Every later request of a visit: names the visitor and the session of the last answer. If that
    session has ended, the service
    starts another one and answers with its id, which replaces the old one.

    Args:
        account_id (str): The brand's LivePerson account (site) id.
        visitor_id (str): Names a visitor. Opaque, except that it fits into a URL: it is not made
            of dots alone, and not longer than this.
        sid (str | Unset): Names a session of a visitor. Opaque, except that it fits into a URL.
        v (Literal['1.0']): Version of the App Engagement API, spelled exactly 1.0. Default:
            '1.0'.
        body (CreateSessionBody): The app, and what is known of the visitor.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        AvailableSession | NotAvailableSession | ErrorEntity | WrappedErrorEntity
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
    body: CreateSessionBody,
    sid: str | Unset = UNSET,
    v: Literal["1.0"] = "1.0",
) -> Response[AvailableSession | NotAvailableSession | ErrorEntity | WrappedErrorEntity]:
    """Ask again within a visit

     Every later request of a visit: names the visitor and the session of the last answer. If that
    session has ended, the service
    starts another one and answers with its id, which replaces the old one.

    Args:
        account_id (str): The brand's LivePerson account (site) id.
        visitor_id (str): Names a visitor. Opaque, except that it fits into a URL: it is not made
            of dots alone, and not longer than this.
        sid (str | Unset): Names a session of a visitor. Opaque, except that it fits into a URL.
        v (Literal['1.0']): Version of the App Engagement API, spelled exactly 1.0. Default:
            '1.0'.
        body (CreateSessionBody): The app, and what is known of the visitor.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[AvailableSession | NotAvailableSession | ErrorEntity | WrappedErrorEntity]
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
    body: CreateSessionBody,
    sid: str | Unset = UNSET,
    v: Literal["1.0"] = "1.0",
) -> AvailableSession | NotAvailableSession | ErrorEntity | WrappedErrorEntity | None:
    """Ask again within a visit

     Every later request of a visit: names the visitor and the session of the last answer. If that
    session has ended, the service
    starts another one and answers with its id, which replaces the old one.

    Args:
        account_id (str): The brand's LivePerson account (site) id.
        visitor_id (str): Names a visitor. Opaque, except that it fits into a URL: it is not made
            of dots alone, and not longer than this.
        sid (str | Unset): Names a session of a visitor. Opaque, except that it fits into a URL.
        v (Literal['1.0']): Version of the App Engagement API, spelled exactly 1.0. Default:
            '1.0'.
        body (CreateSessionBody): The app, and what is known of the visitor.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        AvailableSession | NotAvailableSession | ErrorEntity | WrappedErrorEntity
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
