"""Smithy RPC v2 with CBOR: POST /service/NAME/operation/OPERATION, a CBOR map each way."""

import re
from datetime import datetime
from typing import Any

from botocore.model import OperationModel, Shape

from seawall.wire.cbor import decode, encode
from seawall.wire.errors import ApiError, WireError
from seawall.wire.http import Request, Response
from seawall.wire.json_shapes import JsonShapes, Reader, Writer, unexpected
from seawall.wire.protocol import Protocol, error_status
from seawall.wire.protocol_json import json_error_members
from seawall.wire.service import Service

PATH = re.compile(r"/service/([^/]+)/operation/([^/]+)")
MARK = {"smithy-protocol": "rpc-v2-cbor"}


class CborShapes(JsonShapes):
    """As in JSON, but bytes and moments have types of their own."""

    def scalar_reader(self, shape: Shape) -> Reader:
        if shape.type_name == "blob":
            return _read_bytes
        return _read_moment if shape.type_name == "timestamp" else super().scalar_reader(shape)

    def scalar_writer(self, shape: Shape) -> Writer | None:
        return float if shape.type_name in ("float", "double") else None


class CborProtocol(Protocol):
    def __init__(self, service: Service) -> None:
        super().__init__(service)
        self._shapes = CborShapes()

    def parse(self, operation: OperationModel, request: Request) -> dict[str, Any]:
        shape = operation.input_shape
        try:
            body = decode(request.body) if request.body else {}
        except ValueError as error:
            raise WireError("SerializationException", "The request body is not valid CBOR.") from error
        if shape is None:
            return {}
        found: dict[str, Any] = self._shapes.reader(shape)(body)
        return found

    def serialize(self, operation: OperationModel, output: dict[str, Any], request_id: str) -> Response:
        shape = operation.output_shape
        writer = self._shapes.writer(shape) if shape is not None else None
        body = encode(writer(output) if writer else output)
        return Response(status=200, headers=self._headers(request_id), body=body)

    def error(self, error: ApiError, request_id: str) -> Response:
        body = {"__type": error.code} | json_error_members(self.service, self._shapes, error)
        return Response(
            status=error_status(self.service, error), headers=self._headers(request_id), body=encode(body)
        )

    def _headers(self, request_id: str) -> dict[str, str]:
        return {"x-amzn-requestid": request_id, "content-type": "application/cbor"} | MARK


def _read_bytes(value: Any) -> bytes:
    if type(value) is not bytes:
        raise unexpected(value, "Blob")
    return value


def _read_moment(value: Any) -> datetime:
    if not isinstance(value, datetime):
        raise unexpected(value, "Timestamp")
    return value
