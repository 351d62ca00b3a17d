"""Signed calls of AWS's JSON 1.1 services from inside a task's network namespace."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

from seawall.host.namespace_http import NamespaceHttp, RequestFailed
from seawall.host.signature import signed
from seawall.program.task import Credentials

CallCause = Literal["denied", "not_found", "other"]
_DENIED = ("AccessDenied", "UnrecognizedClient", "InvalidSignature", "ExpiredToken", "InvalidClientTokenId")


class AwsRefused(Exception):
    """The service answered with an error; the text is `CODE: MESSAGE`."""

    def __init__(self, code: str, message: str, status: int, request_id: str | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.request_id = request_id

    @property
    def cause(self) -> CallCause:
        """As in `program.report.Failure`."""
        if self.code.startswith(_DENIED):
            return "denied"
        return "not_found" if "NotFound" in self.code else "other"


class AwsService(msgspec.Struct, frozen=True, kw_only=True):
    """Where and how to call.  `endpoint` is a host, with a port where it is not 443."""

    name: str  # as in the credential scope: "ecr", "logs"
    target: str  # prefix of X-Amz-Target
    endpoint: str
    region: str
    credentials: Credentials | None

    @property
    def url(self) -> str:
        return f"https://{self.endpoint}/"


async def call(
    http: NamespaceHttp,
    namespace: str | None,
    nameservers: Sequence[str],
    service: AwsService,
    operation: str,
    members: Mapping[str, Any],
) -> dict[str, Any]:
    """The answer's members.  Raises RequestFailed (no answer) or AwsRefused (an error answer)."""
    body = msgspec.json.encode(members)
    fields = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"{service.target}.{operation}"}
    if service.credentials is not None:
        fields = signed(service.credentials, service.name, service.region, "POST", service.url, fields, body)
    answer = await http.request(namespace, nameservers, "POST", service.url, fields, body)
    try:
        parsed = msgspec.json.decode(answer.body, type=dict[str, Any]) if answer.body else {}
    except (msgspec.DecodeError, UnicodeDecodeError):
        text = f"HTTP {answer.status} with a body that is not JSON"
        raise RequestFailed("other", service.url, text) from None
    if answer.status != 200:
        code = str(parsed.get("__type") or f"HTTP {answer.status}").rpartition("#")[2]
        message = str(parsed.get("message") or parsed.get("Message") or "")
        raise AwsRefused(code, message, answer.status, answer.headers.get("x-amzn-requestid"))
    return parsed
