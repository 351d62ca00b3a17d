"""The front door: one HTTP request in, one AWS answer out.

A bare ASGI callable.  It gives every request an id, finds out what is asked and by whom, runs the operation
and renders the outcome in the words of the service's protocol.
"""

import asyncio
import json
import logging
import time
import uuid
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping, Sequence
from datetime import datetime, timezone
from typing import Any

from seawall.api import registry
from seawall.iam.access import CallFacts
from seawall.iam.authenticate import AuthSettings, authenticate
from seawall.iam.authorize import authorize
from seawall.iam.context import EndpointOrigin, Origin
from seawall.iam.last_use import note_use
from seawall.store.store import Reader, Store
from seawall.wire.cbor import encode
from seawall.wire.errors import ApiError, WireError
from seawall.wire.http import Request, Response
from seawall.wire.identify import Identifier, Target, Unidentified
from seawall.wire.protocol_cbor import MARK
from seawall.wire.validate import validate
from seawall.wire.xml_shapes import escape

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Via = Callable[[Reader, str], EndpointOrigin | None]  # by the address that a request comes from
Route = tuple[Callable[[Scope], bool], App]

MAX_BODY = 10 * 1024 * 1024  # bytes; the largest request of a served service, PutLogEvents, is about 1 MiB

log = logging.getLogger("seawall.gateway")


class BodyTooLarge(Exception):
    """The client sent more than MAX_BODY."""


class Disconnected(Exception):
    """The client went away before its request was complete."""


def utc_now() -> datetime:
    return datetime.now(timezone.utc)


class Gateway:
    """The ASGI application.

    resources  ports to the outside for operations, by name (Call.resources)
    routes     (predicate over the ASGI scope, ASGI app) pairs that are asked before AWS's API is
    clock      what operations take as now
    via        the VPC endpoint behind an address
    """

    def __init__(
        self,
        store: Store,
        settings: AuthSettings,
        *,
        resources: Mapping[str, Any] | None = None,
        routes: Sequence[Route] = (),
        clock: Callable[[], datetime] = utc_now,
        via: Via = lambda reader, address: None,
    ) -> None:
        self._store = store
        self._settings = settings
        self._resources: Mapping[str, Any] = {} if resources is None else resources
        self._routes = tuple(routes)
        self._clock = clock
        self._via = via
        served = {service for service, _ in registry.load_operations()}
        self._identifier = Identifier(sorted(served))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        for wanted, app in self._routes:
            if wanted(scope):
                await app(scope, receive, send)
                return
        if scope["type"] == "http":
            await self._serve(scope, receive, send)

    async def answer(self, request: Request) -> Response:
        """The AWS answer to a request."""
        return await self._answer(request, str(uuid.uuid4()))

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = str(uuid.uuid4())
        try:
            body = await _read_body(scope, receive)
        except Disconnected:
            return
        except BodyTooLarge:
            request = _request(scope, b"")
            response = self._refuse_body(request, request_id)
        else:
            request = _request(scope, body)
            response = await self._answer(request, request_id)
        headers = [
            (name.encode("latin-1"), value.encode("latin-1")) for name, value in response.headers.items()
        ]
        headers.append((b"content-length", str(len(response.body)).encode()))
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        body = b"" if request.method == "HEAD" else response.body
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, request: Request, request_id: str) -> Response:
        began = time.perf_counter()
        target: Target | None = None
        principal_arn = ""
        error: ApiError | None = None
        try:
            target = self._identifier.identify(request)
            call = self._call(request, target, request_id)
            principal_arn = call.principal.arn
            response = await self._perform(call, target, request)
        except (ApiError, WireError) as refused:
            error = _as_api_error(refused)
            response = _render(error, target, request_id)
        except Exception:  # the one place where a bug becomes an answer
            log.exception("request %s failed", request_id, extra={"request_id": request_id})
            error = _internal_failure(target, request_id)
            response = _render(error, target, request_id)
        _log(request, request_id, target, principal_arn, response.status, error, time.perf_counter() - began)
        return response

    def _call(self, request: Request, target: Target, request_id: str) -> registry.Call:
        now = self._clock()
        settings = self._settings
        principal = authenticate(request, target.service, self._store, settings, now)
        if target.operation is None:
            assert target.error is not None
            raise target.error
        return registry.Call(
            store=self._store,
            principal=principal,
            account=settings.account,
            region=settings.region,
            service=target.service.name,
            operation=target.operation.name,
            request_id=request_id,
            now=now,
            resources=self._resources,
        )

    async def _perform(self, call: registry.Call, target: Target, request: Request) -> Response:
        assert target.operation is not None
        try:
            params = target.protocol.parse(target.operation, request)
            validate(target.service, target.operation, params)
        except RecursionError as error:
            raise ApiError("SerializationException", "The request is nested too deeply.") from error
        facts = CallFacts(
            store=self._store,
            account=call.account,
            region=call.region,
            now=call.now,
            principal=call.principal,
            partition=call.partition,
        )
        call.refused = authorize(target.service, call.operation, params, facts, self._origin(request))
        note_use(self._store, call.principal.access_key_id, target.service.signing_name, call.now)
        answer = await registry.invoke(call, params)
        if call.wrote:
            await asyncio.sleep(0)  # what was written is begun with before who asked goes on
        return target.protocol.serialize(target.operation, answer, call.request_id)

    def _origin(self, request: Request) -> Origin:
        return Origin(
            source_ip=request.client,
            secure=request.secure,
            user_agent=request.headers.get("user-agent"),
            referer=request.headers.get("referer"),
            endpoint=self._via(self._store, request.client) if request.client else None,
        )

    def _refuse_body(self, request: Request, request_id: str) -> Response:
        error = ApiError("RequestEntityTooLarge", f"The request body exceeds {MAX_BODY} bytes.", status=413)
        try:
            target = self._identifier.identify(request)
        except (ApiError, WireError):
            target = None
        _log(request, request_id, target, "", error.status, error, 0.0)
        return _render(error, target, request_id)


def _as_api_error(error: ApiError | WireError) -> ApiError:
    if isinstance(error, ApiError):
        return error
    return ApiError(error.code, error.message, status=error.status)


def _internal_failure(target: Target | None, request_id: str) -> ApiError:
    code = "InternalError" if target is not None and target.service.protocol == "ec2" else "InternalFailure"
    return ApiError(code, f"An internal error has occurred. Request id: {request_id}", status=500)


def _render(error: ApiError, target: Target | None, request_id: str) -> Response:
    """The error in the target's protocol, or, where no service could be made out, in plain JSON or XML."""
    if target is not None:
        return target.protocol.error(error, request_id)
    headers = {"x-amzn-requestid": request_id, "x-amzn-errortype": error.code}
    content = error.content if isinstance(error, Unidentified) else "xml"
    said = {"__type": error.code, "message": error.message}
    if content == "json":
        headers["content-type"] = "application/x-amz-json-1.1"
        return Response(status=error.status, headers=headers, body=json.dumps(said).encode())
    if content == "cbor":
        headers |= {"content-type": "application/cbor", **MARK}
        return Response(status=error.status, headers=headers, body=encode(said))
    text = (
        f"<ErrorResponse><Error><Type>Sender</Type><Code>{escape(error.code)}</Code>"
        f"<Message>{escape(error.message)}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>"
    )
    return Response(status=error.status, headers=headers | {"content-type": "text/xml"}, body=text.encode())


def _log(
    request: Request,
    request_id: str,
    target: Target | None,
    principal: str,
    status: int,
    error: ApiError | None,
    seconds: float,
) -> None:
    operation = target.operation.name if target is not None and target.operation is not None else ""
    service = target.service.name if target is not None else ""
    log.info(
        "%s:%s %d %s",
        service or request.method,
        operation or request.path,
        status,
        error.code if error is not None else "",
        extra={
            "request_id": request_id,
            "service": service,
            "operation": operation,
            "principal": principal,
            "status": status,
            "error_code": error.code if error is not None else "",
            "error_message": error.message if error is not None else "",
            "milliseconds": round(seconds * 1000, 3),
        },
    )


async def _read_body(scope: Scope, receive: Receive) -> bytes:
    """The whole body.  Raises BodyTooLarge, Disconnected."""
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > MAX_BODY:
            raise BodyTooLarge
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


def _request(scope: Scope, body: bytes) -> Request:
    raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
    client = scope.get("client")
    return Request(
        method=scope["method"],
        path=raw_path.decode("latin-1"),
        query=scope["query_string"].decode("latin-1"),
        headers=_headers(scope["headers"]),
        body=body,
        client=client[0] if client else None,
        secure=scope.get("scheme") == "https",
    )


def _headers(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name_bytes, value_bytes in raw:
        name, value = name_bytes.decode("latin-1").lower(), value_bytes.decode("latin-1")
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    return headers


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
