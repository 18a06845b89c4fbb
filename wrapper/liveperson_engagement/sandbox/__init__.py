"""A stateful fake of the API for tests and demonstrations: `with Sandbox() as sandbox: … base_url=sandbox.url`."""

from liveperson_engagement.sandbox.records import SandboxRequest, SandboxSession, SandboxVisitor

try:
    from liveperson_engagement.sandbox.sandbox import Sandbox
except ModuleNotFoundError as error:
    if error.name is None or error.name.partition(".")[0] not in {"starlette", "uvicorn", "h11"}:
        raise
    raise ImportError("the sandbox needs more packages: pip install liveperson-engagement[sandbox]") from error

__all__ = ["Sandbox", "SandboxRequest", "SandboxSession", "SandboxVisitor"]
