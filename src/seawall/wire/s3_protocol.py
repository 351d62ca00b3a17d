"""S3's dialect of rest-xml: buckets in host names, roots with own names, errors without a wrapper."""

from typing import Any
from urllib.parse import quote

import msgspec
from botocore.model import OperationModel, Shape

from seawall.wire.errors import ApiError
from seawall.wire.http import Request, Response
from seawall.wire.protocol import error_status
from seawall.wire.protocol_rest import RestXmlProtocol
from seawall.wire.rest_paths import match_path
from seawall.wire.xml_shapes import escape

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
_ROOTS = {
    "ListBucketsOutput": "ListAllMyBucketsResult",
    "ListObjectsOutput": "ListBucketResult",
    "ListObjectsV2Output": "ListBucketResult",
    "CreateMultipartUploadOutput": "InitiateMultipartUploadResult",
    "CompleteMultipartUploadOutput": "CompleteMultipartUploadResult",
    "ListMultipartUploadsOutput": "ListMultipartUploadsResult",
    "ListPartsOutput": "ListPartsResult",
    "DeleteObjectsOutput": "DeleteResult",
    "GetBucketTaggingOutput": "Tagging",
    "GetObjectTaggingOutput": "Tagging",
    "GetBucketVersioningOutput": "VersioningConfiguration",
    "GetBucketAclOutput": "AccessControlPolicy",
    "GetObjectAttributesOutput": "GetObjectAttributesResponse",
}
_COPIES = {"CopyObject": "PutObject", "UploadPartCopy": "UploadPart"}
_NO_BODY = {
    "PutObjectOutput",
    "UploadPartOutput",
    "HeadObjectOutput",
    "HeadBucketOutput",
    "CreateBucketOutput",
}


def bucket_of_host(host: str, region: str) -> str | None:
    """The bucket that a virtual-hosted request's Host names; None when it names none."""
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    for suffix in (f".s3.{region}.amazonaws.com", f".s3-{region}.amazonaws.com", ".s3.amazonaws.com"):
        if name.endswith(suffix) and len(name) > len(suffix):
            return name.removesuffix(suffix)
    return None


def path_style(request: Request, region: str) -> Request:
    """The same request with the bucket in its path, for matching only: the signature is over the other."""
    bucket = bucket_of_host(request.headers.get("host", ""), region)
    if bucket is None:
        return request
    return msgspec.structs.replace(request, path=f"/{quote(bucket)}{request.path}")


class S3Protocol(RestXmlProtocol):
    """What `parse` and `match` are given has been through `path_style`."""

    content_type = "application/xml"

    def match(self, request: Request) -> str | None:
        """A copy is told from an upload by a header alone."""
        found = match_path(self._paths, request)
        if found is None:
            return None
        if "x-amz-copy-source" not in request.headers:
            return _COPIES.get(found.name, found.name)
        return next((copy for copy, upload in _COPIES.items() if upload == found.name), found.name)

    def serialize(self, operation: OperationModel, output: dict[str, Any], request_id: str) -> Response:
        answer = super().serialize(operation, output, request_id)
        headers = {name: value for name, value in answer.headers.items() if name != "x-amzn-requestid"}
        headers["x-amz-request-id"] = request_id
        body = answer.body
        if operation.name == "GetBucketLocation":
            body = _location(output.get("LocationConstraint") or "")
        if operation.output_shape is None or operation.output_shape.name in _NO_BODY or not body:
            return Response(status=answer.status, headers=_without_type(headers, body), body=b"")
        return Response(status=answer.status, headers=headers, body=body)

    def write_body(self, shape: Shape, value: Any) -> bytes:
        if shape.name in _NO_BODY or shape.name in ("DeleteObjectOutput", "AbortMultipartUploadOutput"):
            return b""
        root = _ROOTS.get(shape.name, str(shape.serialization.get("name", shape.name)))
        out = ['<?xml version="1.0" encoding="UTF-8"?>\n']
        self._writers.element(shape, root)(out, value)
        return "".join(out).replace(f"<{root}>", f'<{root} xmlns="{NAMESPACE}">', 1).encode()

    def error(self, error: ApiError, request_id: str) -> Response:
        members = "".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in error.members.items())
        text = (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f"<Error><Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message>{members}"
            f"<RequestId>{request_id}</RequestId><HostId>{request_id}</HostId></Error>"
        )
        headers = {"x-amz-request-id": request_id, "content-type": self.content_type}
        status = error_status(self.service, error)
        return Response(status=status, headers=headers, body=text.encode())


def _location(constraint: str) -> bytes:
    text = f'<LocationConstraint xmlns="{NAMESPACE}">{escape(constraint)}</LocationConstraint>'
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode()


def _without_type(headers: dict[str, str], body: bytes) -> dict[str, str]:
    return {name: value for name, value in headers.items() if not (body and name == "content-type")}
