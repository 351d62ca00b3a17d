"""Which operation of which service a request asks for.

On AWS the host name decides.  Here all services share one address, so the request itself must tell: its
X-Amz-Target, its Action and Version, or, for REST services, the service named in its credential scope and
the method and path.
"""

import re
from collections.abc import Iterable
from urllib.parse import unquote

import msgspec
from botocore.model import OperationModel

from seawall.wire.errors import ApiError, WireError
from seawall.wire.http import Request
from seawall.wire.protocol import Protocol
from seawall.wire.protocol_cbor import MARK, PATH
from seawall.wire.protocol_query import request_form
from seawall.wire.protocol_rest import RestProtocol
from seawall.wire.protocols import protocol_for
from seawall.wire.service import Service, load_service


class Target(msgspec.Struct, frozen=True):
    """`operation` is None when the service has no such operation; `error` says so in its words."""

    service: Service
    protocol: Protocol
    operation: OperationModel | None
    error: ApiError | None = None


class Unidentified(ApiError):
    """No service could be made out.  `content` is what the client is likely to read: json, cbor or xml."""

    def __init__(self, code: str, message: str, *, status: int, content: str) -> None:
        super().__init__(code, message, status=status)
        self.content = content


_SCOPE = re.compile(r"Credential=[^/,\s]*(?:/[^/,\s]*)*?/(\d{8})/([^/,\s]*)/([^/,\s]+)/aws4_request")
_QUERY_SCOPE = re.compile(r"(?:^|&)X-Amz-Credential=([^&]*)")


def scoped_service(request: Request) -> str | None:
    """The service that the credential scope names (header or presigned form), unverified."""
    found = _SCOPE.search(request.headers.get("authorization", ""))
    if found:
        return found[3]
    presigned = _QUERY_SCOPE.search(request.query)
    if presigned:
        parts = unquote(presigned[1]).split("/")
        return parts[-2] if len(parts) >= 5 else None
    return None


# Services that share their signing name with a younger one: by that name and the version of their API.
_ELDERS = {("elasticloadbalancing", "2012-06-01"): "elb"}


class Identifier:
    """Knows the served services; every other service of AWS is recognised by its credential scope."""

    def __init__(self, served: Iterable[str]) -> None:
        services = [service for name in served if (service := load_service(name)) is not None]
        self._by_prefix = {s.target_prefix: s for s in services if s.target_prefix}
        self._by_signing: dict[str, list[Service]] = {}
        self._by_version: dict[str, list[Service]] = {}
        self._by_host = {s.endpoint_prefix: s for s in services}
        for service in services:
            self._by_signing.setdefault(service.signing_name, []).append(service)
            if {"query", "ec2"} & set(service.protocols):
                self._by_version.setdefault(service.api_version, []).append(service)

    def identify(self, request: Request) -> Target:
        """Raises Unidentified when no service can be made out, WireError when even the form is malformed."""
        scope = scoped_service(request)
        target = request.headers.get("x-amz-target")
        if target is not None:
            return self._from_target(target, scope, "json")
        content_type = request.headers.get("content-type", "")
        if content_type.startswith("application/x-amz-json"):
            return self._missing_target(scope)
        if request.path == "/" and _may_be_form(request):
            found = self._from_form(request, scope)
            if found is not None:
                return found
        rpc = PATH.fullmatch(request.path)
        if rpc is not None and MARK.items() <= request.headers.items():
            return self._from_target(f"{rpc[1]}.{rpc[2]}", scope, "smithy-rpc-v2-cbor")
        return self._unknown(request, scope)

    def _scoped(self, scope: str | None) -> list[Service]:
        if scope is None:
            return []
        known = self._by_signing.get(scope)
        if known is None:
            other = load_service(scope)
            known = [other] if other is not None else []
        return known

    def _hosted(self, request: Request) -> list[Service]:
        """The service whose own name the client called, for those who do not sign."""
        service = self._by_host.get(request.headers.get("host", "").partition(".")[0])
        return [] if service is None else [service]

    def _from_target(self, target: str, scope: str | None, spoken: str) -> Target:
        prefix, _, name = target.rpartition(".")
        service = self._by_prefix.get(prefix)
        if service is None:
            service = next((s for s in self._scoped(scope) if s.target_prefix is not None), None)
        if service is None or spoken not in service.protocols:
            raise _stranger(
                scope, name, "json" if spoken == "json" else "cbor", "UnknownOperationException", ""
            )
        protocol = protocol_for(service, spoken)
        if prefix != service.target_prefix or name not in service.operation_names:
            return Target(service, protocol, None, ApiError("UnknownOperationException", ""))
        return Target(service, protocol, service.operation(name))

    def _missing_target(self, scope: str | None) -> Target:
        for service in self._scoped(scope):
            if "json" in service.protocols:
                unknown = ApiError("UnknownOperationException", "")
                return Target(service, protocol_for(service, "json"), None, unknown)
        raise _stranger(scope, "?", "json", "UnknownOperationException", "")

    def _from_form(self, request: Request, scope: str | None) -> Target | None:
        try:
            form = request_form(request)
        except WireError as error:
            return self._misformed(scope, error)
        action = form["Action"].text if "Action" in form else None
        version = form["Version"].text if "Version" in form else None
        candidates = self._scoped(scope) or self._by_version.get(version or "", [])
        candidates = [s for s in candidates if {"query", "ec2"} & set(s.protocols)]
        elder = load_service(_ELDERS.get((scope or "", version or ""), ""))
        if elder is not None and elder not in candidates:
            candidates = [elder]
        versioned = [s for s in candidates if s.api_version == version] or candidates
        if not versioned:
            if action is None:
                return None
            raise _stranger(scope, action, "xml", "InvalidAction", f"Could not find operation {action}")
        service = next((s for s in versioned if action in s.operation_names), versioned[0])
        protocol = protocol_for(service, "ec2" if service.protocol == "ec2" else "query")
        if action is None:
            return Target(service, protocol, None, _missing_action(service))
        if action not in service.operation_names or version not in (None, service.api_version):
            return Target(service, protocol, None, _invalid_action(service, action, version))
        return Target(service, protocol, service.operation(action))

    def _misformed(self, scope: str | None, error: WireError) -> Target:
        """Told in the protocol of the service that the request is signed for; raises `error` without one."""
        for service in self._scoped(scope):
            for spoken in ("ec2", "query"):
                if spoken in service.protocols:
                    refusal = ApiError(error.code, error.message, status=error.status)
                    return Target(service, protocol_for(service, spoken), None, refusal)
        raise error

    def _unknown(self, request: Request, scope: str | None) -> Target:
        for service in self._scoped(scope) or self._hosted(request):
            protocol = protocol_for(service)
            name = protocol.match(request) if isinstance(protocol, RestProtocol) else None
            if name is not None:
                return Target(service, protocol, service.operation(name))
            error: ApiError = ApiError("UnknownOperationException", "", status=404)
            return Target(service, protocol, None, error)
        content = "json" if "json" in request.headers.get("content-type", "") else "xml"
        raise _stranger(
            scope,
            f"{request.method} {request.path}",
            content,
            "MissingAuthenticationToken",
            "Missing Authentication Token",
            403,
        )


def _stranger(
    scope: str | None, wanted: str, content: str, code: str, message: str, status: int = 400
) -> Unidentified:
    """A scope that no model goes by is a service we do not serve; without a scope the request is in error."""
    if scope is None:
        return Unidentified(code, message, status=status, content=content)
    text = f"The operation {scope}:{wanted} is not implemented by Seawall."
    return Unidentified("NotImplemented", text, status=501, content=content)


def _may_be_form(request: Request) -> bool:
    content_type = request.headers.get("content-type", "")
    return content_type.startswith("application/x-www-form-urlencoded") or not content_type


def _missing_action(service: Service) -> ApiError:
    if service.protocol == "ec2":
        return ApiError("MissingParameter", "The request must contain the parameter Action")
    return ApiError("MissingAction", "The request must contain an Action parameter.")


def _invalid_action(service: Service, action: str, version: str | None) -> ApiError:
    if service.protocol == "ec2":
        return ApiError("InvalidAction", f"The action {action} is not valid for this web service.")
    return ApiError(
        "InvalidAction", f"Could not find operation {action} for version {version or 'NO_VERSION_SPECIFIED'}"
    )
