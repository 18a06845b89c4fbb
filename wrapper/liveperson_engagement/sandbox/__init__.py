"""A stateful fake of the API for tests and demonstrations: `with Sandbox() as sandbox: … base_url=sandbox.url`."""

from liveperson_engagement.sandbox.records import SandboxRequest, SandboxSession, SandboxVisitor
from liveperson_engagement.sandbox.sandbox import Sandbox

__all__ = ["Sandbox", "SandboxRequest", "SandboxSession", "SandboxVisitor"]
