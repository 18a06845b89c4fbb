# Written by scripts/generate from openapi.yaml. Do not edit: change the contract and run scripts/generate.
# openapi-python-client 0.29.1, datamodel-code-generator 0.89.0, ruff 0.17.6

"""The error that operations raise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from .http import Response
    from .models import ErrorEntity

UNREADABLE: Final = (AttributeError, LookupError, TypeError, ValueError)
"""What models raise for data that is not what the contract says."""


class ResponseError(Exception):
    """A failure that the service reports, or an answer that cannot be read. Its text names no id."""

    def __init__(self, status: int, error: ErrorEntity | None = None) -> None:
        super().__init__(status, error)
        self.status = status
        self.error = error
        """What the service says, if it says so as the contract does."""
        self.response: Response | None = None
        """The whole answer, if a client of this package got it."""

    def __str__(self) -> str:
        if self.error is not None:
            return f"[{self.status}] internal code {self.error.internal_code}"
        return f"[{self.status}] {'not what the contract says' if 200 <= self.status < 300 else 'no error entity'}"

    def __repr__(self) -> str:
        return f"<ResponseError {self}>"


def read_error(data: Any) -> ErrorEntity | None:
    """Read why a request failed, if the data says so."""
    from . import models  # noqa: PLC0415 - importing models takes long

    try:
        answer = models.error_answer_from_dict(data)
        return answer.error if isinstance(answer, models.WrappedErrorEntity) else answer
    except UNREADABLE:
        return None
