"""AWS JSON 1.0 and 1.1: the operation in X-Amz-Target, a JSON object each way."""

from typing import Any

import msgspec
from botocore.model import OperationModel

from seawall.wire.errors import ApiError, WireError
from seawall.wire.http import Request, Response
from seawall.wire.json_shapes import JsonShapes
from seawall.wire.protocol import Protocol, error_status
from seawall.wire.service import Service


class JsonProtocol(Protocol):
    def __init__(self, service: Service) -> None:
        super().__init__(service)
        self._shapes = JsonShapes()
        self._content_type = f"application/x-amz-json-{service.json_version}"

    def parse(self, operation: OperationModel, request: Request) -> dict[str, Any]:
        shape = operation.input_shape
        body = read_json(request.body)
        if shape is None:
            return {}
        found: dict[str, Any] = self._shapes.reader(shape)(body)
        return found

    def serialize(self, operation: OperationModel, output: dict[str, Any], request_id: str) -> Response:
        shape = operation.output_shape
        writer = self._shapes.writer(shape) if shape is not None else None
        body = b"" if shape is None else msgspec.json.encode(writer(output) if writer else output)
        return Response(status=200, headers=self._headers(request_id), body=body)

    def error(self, error: ApiError, request_id: str) -> Response:
        body = {"__type": error.code} | json_error_members(self.service, self._shapes, error)
        headers = self._headers(request_id) | {"x-amzn-errortype": error.code}
        return Response(
            status=error_status(self.service, error), headers=headers, body=msgspec.json.encode(body)
        )

    def _headers(self, request_id: str) -> dict[str, str]:
        return {"x-amzn-requestid": request_id, "content-type": self._content_type}


def read_json(body: bytes) -> Any:
    """Parsed JSON; an empty body is an empty object.  Raises WireError (SerializationException)."""
    if not body:
        return {}
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise WireError("SerializationException", "The request body is not valid JSON.") from error


def json_error_members(service: Service, shapes: JsonShapes, error: ApiError) -> dict[str, Any]:
    """The message, under the name the modelled exception gives it, and the exception's other members."""
    shape = service.error_shape(error.code)
    if shape is None:
        return {"message": error.message}
    name = "Message" if "Message" in shape.members else "message"
    writer = shapes.writer(shape)
    members: dict[str, Any] = writer(error.members) if writer else error.members
    return {name: error.message} | members
