"""rest-json and rest-xml: operations are methods and paths, members are spread over the whole request."""

from abc import abstractmethod
from functools import cached_property
from typing import Any

import msgspec
from botocore.model import OperationModel, Shape, StructureShape

from seawall.wire.errors import ApiError
from seawall.wire.http import Request, Response
from seawall.wire.json_shapes import JsonShapes
from seawall.wire.protocol import Protocol, error_status, is_fault
from seawall.wire.protocol_json import json_error_members, read_json
from seawall.wire.rest_members import read_located, write_headers
from seawall.wire.rest_paths import RestPath, compile_paths, match_path, path_labels, query_values
from seawall.wire.service import Service
from seawall.wire.xml_reader import XmlReaders, read_xml
from seawall.wire.xml_shapes import XmlShapes, escape


class RestProtocol(Protocol):
    """What both REST protocols share; they differ in the body."""

    content_type: str

    @cached_property
    def _paths(self) -> list[RestPath]:
        return compile_paths(self.service)

    @cached_property
    def _paths_by_name(self) -> dict[str, RestPath]:
        return {path.name: path for path in self._paths}

    def match(self, request: Request) -> str | None:
        """The name of the operation that the request's method, path and query ask for."""
        path = match_path(self._paths, request)
        return None if path is None else path.name

    @abstractmethod
    def read_body(self, shape: Shape, body: bytes) -> Any:
        """A body -> Python value."""

    @abstractmethod
    def write_body(self, shape: Shape, value: Any) -> bytes:
        """Python value -> body."""

    def parse(self, operation: OperationModel, request: Request) -> dict[str, Any]:
        shape = operation.input_shape
        if shape is None:
            return {}
        labels = path_labels(self._paths_by_name[operation.name], request)
        found = read_located(shape, labels, query_values(request), dict(request.headers))
        payload = shape.serialization.get("payload")
        if payload is not None:
            member = shape.members[payload]
            if request.body:
                found[payload] = self._read_payload(member, request.body)
        elif request.body:
            body = self.read_body(shape, request.body)
            found |= {key: value for key, value in body.items() if not _located(shape, key)}
        return found

    def serialize(self, operation: OperationModel, output: dict[str, Any], request_id: str) -> Response:
        shape = operation.output_shape
        status: int = operation.http.get("responseCode", 200)
        headers = {"x-amzn-requestid": request_id}
        if shape is None:
            return Response(status=status, headers=headers, body=b"")
        unknown = output.keys() - shape.members.keys()
        if unknown:
            raise KeyError(*sorted(unknown))
        headers |= write_headers(shape, output)
        for key, member in shape.members.items():
            if member.serialization.get("location") == "statusCode" and key in output:
                status = int(output[key])
        body = self._body(shape, output)
        if body and not any(name.lower() == "content-type" for name in headers):
            headers["content-type"] = self.content_type
        return Response(status=status, headers=headers, body=body)

    def _body(self, shape: StructureShape, output: dict[str, Any]) -> bytes:
        payload = shape.serialization.get("payload")
        if payload is None:
            plain = {key: value for key, value in output.items() if not _located(shape, key)}
            return self.write_body(shape, plain)
        value = output.get(payload)
        if value is None:
            return b""
        if shape.members[payload].type_name in ("blob", "string"):
            return value.encode() if isinstance(value, str) else bytes(value)
        return self.write_body(shape.members[payload], value)

    def _read_payload(self, member: Shape, body: bytes) -> Any:
        if member.type_name == "blob":
            return body
        if member.type_name == "string":
            return body.decode("utf-8", "replace")
        return self.read_body(member, body)


class RestJsonProtocol(RestProtocol):
    content_type = "application/json"

    def __init__(self, service: Service) -> None:
        super().__init__(service)
        self._shapes = JsonShapes()

    def read_body(self, shape: Shape, body: bytes) -> Any:
        return self._shapes.reader(shape)(read_json(body))

    def write_body(self, shape: Shape, value: Any) -> bytes:
        writer = self._shapes.writer(shape)
        return msgspec.json.encode(writer(value) if writer else value)

    def error(self, error: ApiError, request_id: str) -> Response:
        body = json_error_members(self.service, self._shapes, error)
        headers = {
            "x-amzn-requestid": request_id,
            "x-amzn-errortype": error.code,
            "content-type": self.content_type,
        }
        return Response(
            status=error_status(self.service, error), headers=headers, body=msgspec.json.encode(body)
        )


class RestXmlProtocol(RestProtocol):
    content_type = "text/xml"

    def __init__(self, service: Service) -> None:
        super().__init__(service)
        self._readers = XmlReaders()
        self._writers = XmlShapes()

    def read_body(self, shape: Shape, body: bytes) -> Any:
        return self._readers.reader(shape)([read_xml(body)])

    def write_body(self, shape: Shape, value: Any) -> bytes:
        out = ['<?xml version="1.0" encoding="UTF-8"?>\n']
        self._writers.element(shape, str(shape.serialization.get("name", shape.name)))(out, value)
        return "".join(out).encode()

    @cached_property
    def _namespace(self) -> str:
        """Errors are of the namespace that the model has requests be of."""
        for name in sorted(self.service.operation_names):
            shape = self.service.operation(name).input_shape
            declared = shape.serialization.get("xmlNamespace") if shape is not None else None
            if declared:
                return f' xmlns="{declared["uri"]}"'
        return ""

    def error(self, error: ApiError, request_id: str) -> Response:
        status = error_status(self.service, error)
        out = [f"<Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message>"]
        shape = self.service.error_shape(error.code)
        if shape is not None and error.members:
            self._writers.content(shape)(out, error.members)
        inner = "".join(out)
        if self.service.name == "s3":
            text = f"<Error>{inner}<RequestId>{request_id}</RequestId></Error>"
        else:
            blame = "Receiver" if is_fault(status) else "Sender"
            text = (
                f"<ErrorResponse{self._namespace}><Error><Type>{blame}</Type>{inner}</Error>"
                f"<RequestId>{request_id}</RequestId></ErrorResponse>"
            )
        headers = {"x-amzn-requestid": request_id, "content-type": self.content_type}
        body = f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode()
        return Response(status=status, headers=headers, body=body)


def _located(shape: StructureShape, key: str) -> bool:
    return "location" in shape.members[key].serialization
