# Written by scripts/generate from openapi.yaml. Do not edit: change the contract and run scripts/generate.
# openapi-python-client 0.29.1, datamodel-code-generator 0.89.0, ruff 0.17.6

from enum import IntEnum


class ServiceStatus(IntEnum):
    COMPLETE = 0
    IN_PROGRESS = 1
    APPROVED = 2
    CANCELLED = 3
    NOT_APPROVED = 4
    REVIEWED = 5
    MISSING_DETAILS = 6
    CLOSED = 7
    REMOVED = 8
    ASSIGNED = 9
    WAITING_FOR_CUSTOMER_RESPONSE = 10
    WAITING_FOR_RESPONSE = 11
    PENDING = 12
    RESOLVED = 13

    def __str__(self) -> str:
        return str(self.value)
