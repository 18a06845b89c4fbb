"""What the client's errors name, in the words of the command line: options and arguments as they were typed."""

import os
import re

import typer

ARGUMENTS = {
    "account_id": "account",
    "base_url": "base_url",
    "body": "body_file",
    "deadline": "deadline",
    "domain_api": "domain_api",
    "ids.page_id": "page_id",
    "ids.session_id": "session_id",
    "ids.visitor_id": "visitor_id",
    "key": "key",
    "kinds": "impression",
    "operation_id": "operation",
    "path": "store",
    "server_variables": "server_variable",
    "timeout": "timeout",
}
"""Arguments of the client and its methods, and the parameter of a command that each comes from."""
MEMBERS = {
    "appDetails.appVersion": "app_version",
    "appDetails.deviceFamily": "device_family",
    "appDetails.ipAddress": "ip_address",
    "appDetails.os": "os",
    "appDetails.osVersion": "os_version",
    "appType": "app_type",
    "consumerSections": "section",
    "engagementAttributes": "attribute",
}
"""Members of a body, and the option that each may come from."""

PYTHON = {
    "call create_session": "run create-session",
    "; see on_store_error to go on without it": "",
    ", as str or os.PathLike[str]; without one, use MemoryStore": "",
}
"""Advice to those who write Python, and to those who type."""


def without_python(text: str) -> str:
    """Return an error's words for those who type."""
    for python, typed in PYTHON.items():
        text = text.replace(python, typed)
    return text


def as_typed(path: str, context: typer.Context) -> str:
    """Return the option, argument or variable that an error's path came from; a body's path stays beside its option."""
    place = re.sub(r"\[\d+\].*", "", path)
    if given := _as_parameter(path, context):
        return given
    if place in ARGUMENTS:
        return _shown(ARGUMENTS[place], context) or path
    option = MEMBERS.get(place)
    if option and context.params.get(option):
        return f"{_shown(option, context)} ({path})"
    return path


def _as_parameter(path: str, context: typer.Context) -> str | None:
    """Return the `--parameter` of `call` that an operation's argument came from, by the contract's name."""
    if "parameter" not in context.params:
        return None
    from liveperson_engagement._contract import contract  # noqa: PLC0415

    operation = contract().operations.get(context.params["operation"])
    names = {python_name: name for name, python_name in operation.generated.PARAMETERS.items()} if operation else {}
    typed = [text.partition("=")[0] for text in context.params["parameter"] or ()]
    if path not in names or (path in ARGUMENTS and names[path] not in typed):
        return None
    return f"--parameter {names[path]}="


def _shown(name: str, context: typer.Context) -> str | None:
    """Return a parameter as it was typed: by its option, its metavar, or the environment variable."""
    if name == "account" and context.params.get("account_option"):
        name = "account_option"
    source = context.get_parameter_source(name)
    for parameter in context.command.params:
        if parameter.name == name:
            variable = str(parameter.envvar)
            if variable in os.environ and (source is None or source.name != "COMMANDLINE"):
                return variable
            is_option = parameter.param_type_name == "option"
            return max(parameter.opts, key=len) if is_option else parameter.metavar
    return None
