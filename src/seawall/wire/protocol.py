"""What every AWS protocol can do: read a request's parameters, write an answer, write an error."""

from abc import ABC, abstractmethod
from typing import Any

from botocore.model import OperationModel

from seawall.wire.errors import ApiError
from seawall.wire.http import Request, Response
from seawall.wire.service import Service


class Protocol(ABC):
    """One protocol for one service; it keeps the compiled readers and writers of that service's shapes."""

    def __init__(self, service: Service) -> None:
        self.service = service

    @abstractmethod
    def parse(self, operation: OperationModel, request: Request) -> dict[str, Any]:
        """The parameters by botocore's member names, in botocore's Python types.

        Raises ApiError or WireError for bytes that are not what the protocol says.
        """

    @abstractmethod
    def serialize(self, operation: OperationModel, output: dict[str, Any], request_id: str) -> Response:
        """The answer of an operation that succeeded.

        Raises KeyError when `output` has a member that the model does not know: a bug.
        """

    @abstractmethod
    def error(self, error: ApiError, request_id: str) -> Response:
        """The answer of a request that failed."""


def error_status(service: Service, error: ApiError) -> int:
    """The HTTP status: the error's own unless it is the plain 400 and the model declares another."""
    if error.status != 400:
        return error.status
    shape = service.error_shape(error.code)
    if shape is None:
        return error.status
    declared: int | None = shape.metadata.get("error", {}).get("httpStatusCode")
    return declared or error.status


def is_fault(status: int) -> bool:
    """Whether the service, not the sender, is to blame."""
    return status >= 500
