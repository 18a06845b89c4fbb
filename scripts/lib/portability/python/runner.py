"""Makes the calls of the conformance vectors: one JSON line in, one out."""

# The client is generated, and not there when the repository is checked.
# mypy: disable-error-code="import-not-found"
# pyright: basic, reportMissingImports=false

from __future__ import annotations

import json
import sys
from typing import Any

from engagement import ApiClient, Configuration, CreateSessionBody, DomainApi, SessionApi, UpdateSessionBody
from engagement.exceptions import ApiException


def main() -> None:
    """Answer each line."""
    for line in sys.stdin:
        try:
            reply = perform(json.loads(line))
        except Exception as failure:  # noqa: BLE001 - whatever it is, the table is to show it
            reply = {"failure": f"{type(failure).__name__}: {failure}"}
        print(json.dumps(reply), flush=True)


def perform(call: dict[str, Any]) -> dict[str, Any]:
    """Make one call."""
    # findDomain has a server of its own.
    configuration = Configuration(host=call["baseUrl"], ignore_operation_servers=True)
    with ApiClient(configuration) as client:
        try:
            response = send(client, call)
        except ApiException as error:
            return {"status": error.status, **shown(error.data)}
        return {"status": response.status_code, **shown(response.data)}


def send(client: ApiClient, call: dict[str, Any]) -> Any:
    """Choose the operation."""
    sessions = SessionApi(client)
    account, visitor, sid = call["accountId"], call.get("visitorId", ""), call.get("sid")
    match call["operation"]:
        case "findDomain":
            return DomainApi(client).find_domain_with_http_info(account, call["serviceName"], "1.0")
        case "updateSession":
            news = read(UpdateSessionBody, call)
            return sessions.update_session_with_http_info(account, visitor, sid or "", "1.0", news)
        case "createSession":
            return sessions.create_session_with_http_info(account, "1.0", read(CreateSessionBody, call))
        case _:
            again = read(CreateSessionBody, call)
            return sessions.continue_session_with_http_info(account, visitor, "1.0", again, sid)


def read(model: Any, call: dict[str, Any]) -> Any:
    """Make the generated class of a body."""
    return model.from_dict(json.loads(call["body"]))


def shown(value: Any) -> dict[str, Any]:
    """Tell which class was made of an answer, and its members."""
    value = getattr(value, "actual_instance", value)
    return {} if value is None else {"type": type(value).__name__, "value": value.to_dict()}


if __name__ == "__main__":
    main()
