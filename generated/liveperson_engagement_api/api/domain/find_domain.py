# Written by scripts/generate from openapi.yaml. Do not edit: change the contract and run scripts/generate.
# openapi-python-client 0.29.1, datamodel-code-generator 0.89.0, ruff 0.17.6

from http import HTTPStatus
from typing import Any, Literal
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.error_entity import ErrorEntity
from ...models.service_domain import ServiceDomain
from ...models.wrapped_error_entity import WrappedErrorEntity
from ...types import UNSET, Response


def _get_kwargs(
    account_id: str,
    service_name: str = "msdkgw",
    *,
    version: Literal["1.0"] = "1.0",
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["version"] = version

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/account/{account_id}/service/{service_name}/baseURI.json".format(
            account_id=quote(str(account_id), safe=""),
            service_name=quote(str(service_name), safe=""),
        ),
        "params": params,
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> ErrorEntity | WrappedErrorEntity | ServiceDomain | None:
    if response.status_code == 200:
        response_200 = ServiceDomain.from_dict(response.json())

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

    if client.raise_on_unexpected_status:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    else:
        return None


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[ErrorEntity | WrappedErrorEntity | ServiceDomain]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    account_id: str,
    service_name: str = "msdkgw",
    *,
    client: AuthenticatedClient | Client,
    version: Literal["1.0"] = "1.0",
) -> Response[ErrorEntity | WrappedErrorEntity | ServiceDomain]:
    """Find an account's host

     Tells which host serves an account. Needs no authentication. The answer seldom changes: ask once and
    keep it.

    Args:
        account_id (str): The brand's LivePerson account (site) id.
        service_name (str): The service to find, case-sensitive. The App Engagement API is msdkgw.
            Default: 'msdkgw'.
        version (Literal['1.0']): Version of the Domain API. Default: '1.0'.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorEntity | WrappedErrorEntity | ServiceDomain]
    """

    kwargs = _get_kwargs(
        account_id=account_id,
        service_name=service_name,
        version=version,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    account_id: str,
    service_name: str = "msdkgw",
    *,
    client: AuthenticatedClient | Client,
    version: Literal["1.0"] = "1.0",
) -> ErrorEntity | WrappedErrorEntity | ServiceDomain | None:
    """Find an account's host

     Tells which host serves an account. Needs no authentication. The answer seldom changes: ask once and
    keep it.

    Args:
        account_id (str): The brand's LivePerson account (site) id.
        service_name (str): The service to find, case-sensitive. The App Engagement API is msdkgw.
            Default: 'msdkgw'.
        version (Literal['1.0']): Version of the Domain API. Default: '1.0'.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorEntity | WrappedErrorEntity | ServiceDomain
    """

    return sync_detailed(
        account_id=account_id,
        service_name=service_name,
        client=client,
        version=version,
    ).parsed


async def asyncio_detailed(
    account_id: str,
    service_name: str = "msdkgw",
    *,
    client: AuthenticatedClient | Client,
    version: Literal["1.0"] = "1.0",
) -> Response[ErrorEntity | WrappedErrorEntity | ServiceDomain]:
    """Find an account's host

     Tells which host serves an account. Needs no authentication. The answer seldom changes: ask once and
    keep it.

    Args:
        account_id (str): The brand's LivePerson account (site) id.
        service_name (str): The service to find, case-sensitive. The App Engagement API is msdkgw.
            Default: 'msdkgw'.
        version (Literal['1.0']): Version of the Domain API. Default: '1.0'.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorEntity | WrappedErrorEntity | ServiceDomain]
    """

    kwargs = _get_kwargs(
        account_id=account_id,
        service_name=service_name,
        version=version,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    account_id: str,
    service_name: str = "msdkgw",
    *,
    client: AuthenticatedClient | Client,
    version: Literal["1.0"] = "1.0",
) -> ErrorEntity | WrappedErrorEntity | ServiceDomain | None:
    """Find an account's host

     Tells which host serves an account. Needs no authentication. The answer seldom changes: ask once and
    keep it.

    Args:
        account_id (str): The brand's LivePerson account (site) id.
        service_name (str): The service to find, case-sensitive. The App Engagement API is msdkgw.
            Default: 'msdkgw'.
        version (Literal['1.0']): Version of the Domain API. Default: '1.0'.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorEntity | WrappedErrorEntity | ServiceDomain
    """

    return (
        await asyncio_detailed(
            account_id=account_id,
            service_name=service_name,
            client=client,
            version=version,
        )
    ).parsed
