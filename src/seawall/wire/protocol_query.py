"""The query protocol (STS, IAM) and its EC2 dialect: a form comes in, XML goes out."""

from typing import Any

from botocore.model import OperationModel, Shape

from seawall.wire.errors import ApiError, WireError
from seawall.wire.form_shapes import FormShapes, Node, read_form
from seawall.wire.http import Request, Response
from seawall.wire.protocol import Protocol, error_status, is_fault
from seawall.wire.service import Service
from seawall.wire.xml_shapes import XmlShapes, escape

DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'

# Form fields that belong to the protocol or to a signature, not to the operation.
_ENVELOPE = frozenset(
    {
        "Action",
        "Version",
        "X-Amz-Algorithm",
        "X-Amz-Credential",
        "X-Amz-Date",
        "X-Amz-Expires",
        "X-Amz-SignedHeaders",
        "X-Amz-Signature",
        "X-Amz-Security-Token",
        "X-Amz-Content-Sha256",
    }
)


def request_form(request: Request) -> Node:
    """The fields of the query string and of the body.  Raises WireError (MalformedQueryString)."""
    try:
        body = request.body.decode("ascii")
    except UnicodeDecodeError as error:
        raise WireError("MalformedQueryString", "The query string is malformed: not ASCII") from error
    return read_form("&".join(part for part in (request.query, body.strip("\r\n")) if part))


class QueryProtocol(Protocol):
    content_type = "text/xml"

    def __init__(self, service: Service) -> None:
        super().__init__(service)
        self._forms = FormShapes(ec2=service.protocol == "ec2", bad_value=self._bad_value)
        self._xml = XmlShapes()

    def parse(self, operation: OperationModel, request: Request) -> dict[str, Any]:
        form = request_form(request)
        shape = operation.input_shape
        fields = Node((name, node) for name, node in form.items() if name not in _ENVELOPE)
        if shape is None:
            return {}
        found: dict[str, Any] = self._forms.reader(shape)(fields, "")
        return found

    def serialize(self, operation: OperationModel, output: dict[str, Any], request_id: str) -> Response:
        out = [DECLARATION, f'<{operation.name}Response xmlns="{self.service.xml_namespace}">']
        shape = operation.output_shape
        if shape is not None:
            wrapper = shape.serialization.get("resultWrapper", f"{operation.name}Result")
            out.append(f"<{wrapper}>")
            self._xml.content(shape)(out, output)
            out.append(f"</{wrapper}>")
        out.append(f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>")
        out.append(f"</{operation.name}Response>")
        return self._response(200, out, request_id)

    def error(self, error: ApiError, request_id: str) -> Response:
        status = error_status(self.service, error)
        out = [DECLARATION, f'<ErrorResponse xmlns="{self.service.xml_namespace}"><Error>']
        out.append(f"<Type>{'Receiver' if is_fault(status) else 'Sender'}</Type>")
        out.append(f"<Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message>")
        self._error_members(out, error)
        out.append(f"</Error><RequestId>{request_id}</RequestId></ErrorResponse>")
        return self._response(status, out, request_id)

    def _error_members(self, out: list[str], error: ApiError) -> None:
        shape = self.service.error_shape(error.code)
        if shape is not None and error.members:
            self._xml.content(shape)(out, error.members)

    def _response(self, status: int, out: list[str], request_id: str) -> Response:
        headers = {"x-amzn-requestid": request_id, "content-type": self.content_type}
        return Response(status=status, headers=headers, body="".join(out).encode())

    def _bad_value(self, name: str, text: str, shape: Shape) -> ApiError:
        return ApiError("MalformedInput", f"{name}: {text!r} is not a valid {shape.type_name}")


class Ec2Protocol(QueryProtocol):
    content_type = "text/xml;charset=UTF-8"

    def serialize(self, operation: OperationModel, output: dict[str, Any], request_id: str) -> Response:
        namespace = self.service.xml_namespace.rstrip("/") + "/"  # as EC2 sends it
        out = [DECLARATION, f'<{operation.name}Response xmlns="{namespace}">']
        out.append(f"<requestId>{request_id}</requestId>")
        shape = operation.output_shape
        if shape is None:
            out.append("<return>true</return>")
        else:
            self._xml.content(shape)(out, output)
        out.append(f"</{operation.name}Response>")
        return self._response(200, out, request_id)

    def error(self, error: ApiError, request_id: str) -> Response:
        out = [DECLARATION, f"<Response><Errors><Error><Code>{escape(error.code)}</Code>"]
        out.append(f"<Message>{escape(error.message)}</Message>")
        self._error_members(out, error)
        out.append(f"</Error></Errors><RequestID>{request_id}</RequestID></Response>")
        return self._response(error_status(self.service, error), out, request_id)

    def _bad_value(self, name: str, text: str, shape: Shape) -> ApiError:
        if shape.type_name in ("integer", "long"):
            return ApiError("InvalidParameterValue", f"Invalid integer value '{text}' for parameter {name}")
        return ApiError("InvalidParameterValue", f"Value ({text}) for parameter {name} is invalid.")
