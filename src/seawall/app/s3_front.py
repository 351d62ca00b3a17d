"""S3 as clients see it: the same operations, policies and words as every service, with bodies that are files.

What sets it apart from the gateway: the bucket may be in the host name, bodies stream to and from the disk
and are verified on their way, and the layers of ECR's images are here, too.
"""

import asyncio
import logging
import re
import time
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from botocore.model import OperationModel

from seawall.api import registry
from seawall.api.s3.body import FilePiece, Received
from seawall.api.s3.object import split_source
from seawall.app.external_s3 import ExternalS3
from seawall.app.gateway import Disconnected, Receive, Scope, Send, Via, utc_now
from seawall.app.layer_bucket import LayerBucket
from seawall.app.s3_body import BodyCheck, receive_file, receive_text
from seawall.iam.access import CallFacts
from seawall.iam.authenticate import AuthSettings, authenticate, chunk_signer
from seawall.iam.authorize import authorize
from seawall.iam.context import Origin
from seawall.store.objects import Objects
from seawall.store.store import Store
from seawall.wire.errors import ApiError, WireError
from seawall.wire.http import Request, Response
from seawall.wire.identify import scoped_service
from seawall.wire.s3_protocol import S3Protocol, path_style
from seawall.wire.service import Service, load_service
from seawall.wire.validate import validate

PIECE = 256 * 1024  # bytes of an answer's body sent at once
STREAMED = frozenset({"PutObject", "UploadPart"})
_HOST = re.compile(r"(?:^|\.)s3(?:[.-][a-z0-9-]+)?\.amazonaws\.com(?::\d+)?$")
log = logging.getLogger("seawall.s3")


class S3Front:
    """The ASGI application."""

    def __init__(
        self,
        store: Store,
        objects: Objects,
        settings: AuthSettings,
        *,
        clock: Callable[[], datetime] = utc_now,
        via: Via = lambda reader, address: None,
        layers: LayerBucket | None = None,
        external: ExternalS3 | None = None,
    ) -> None:
        """`layers` answers for the bucket of ECR's layers, `external` for all others if it is given."""
        registry.load_operations()
        service = load_service("s3")
        assert service is not None
        self._service: Service = service
        self._protocol = S3Protocol(service)
        self._store = store
        self.objects = objects
        self._settings = settings
        self._clock = clock
        self._via = via
        self._layers = layers
        self._external = external

    @staticmethod
    def matches(scope: Scope) -> bool:
        """Whether a request is for S3: by its host, its signature, or a bucket's old presigned form."""
        if scope["type"] != "http":
            return False
        request = request_of(scope)
        if _HOST.search(request.headers.get("host", "")):
            return True
        return scoped_service(request) == "s3" or "AWSAccessKeyId=" in request.query

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began, request_id = time.perf_counter(), str(uuid.uuid4())
        request = request_of(scope)
        operation: OperationModel | None = None
        body: FilePiece | None = None
        code = ""
        try:
            if self._layers is not None and self._is_layer(request, self._layers):
                layer = self._layers.layer(request, self._store, self._clock())
                await self._layers.send_layer(scope, layer, send)
                return
            operation = self._identify(request)
            if self._external is not None:
                await self._relay(request, operation, request_id, _body(receive), self._external, send)
                return
            response, body = await self._perform(request, operation, request_id, _body(receive))
        except (ApiError, WireError) as refused:
            code = refused.code
            response = self._protocol.error(_as_api_error(refused), request_id)
        except Disconnected:
            return
        except Exception:  # a bug becomes an answer
            log.exception("request %s failed", request_id, extra={"request_id": request_id})
            code = "InternalError"
            error = ApiError(code, "We encountered an internal error. Please try again.", status=500)
            response = self._protocol.error(error, request_id)
        await _answer(send, request.method, response, body)
        name = operation.name if operation is not None else request.path
        log.info(
            "s3:%s %d %s",
            name,
            response.status,
            code,
            extra={
                "request_id": request_id,
                "service": "s3",
                "operation": name,
                "status": response.status,
                "error_code": code,
                "milliseconds": round((time.perf_counter() - began) * 1000, 3),
            },
        )

    def _is_layer(self, request: Request, layers: LayerBucket) -> bool:
        return path_style(request, self._settings.region).path.startswith(f"/{layers.name}/")

    def _identify(self, request: Request) -> OperationModel:
        name = self._protocol.match(path_style(request, self._settings.region))
        if name is None:
            raise ApiError(
                "MethodNotAllowed", "The specified method is not allowed against this resource.", status=405
            )
        return self._service.operation(name)

    async def _perform(
        self, request: Request, operation: OperationModel, request_id: str, pieces: AsyncIterator[bytes]
    ) -> tuple[Response, FilePiece | None]:
        call = self._call(request, operation, request_id)
        signer = chunk_signer(request, self._store, self._settings)
        check = BodyCheck(request, signer)
        request = path_style(request, self._settings.region)
        streamed = operation.name in STREAMED
        if not streamed:
            text = await receive_text(check, pieces)
            request = msgspec.structs.replace(request, body=text)
        params = self._protocol.parse(operation, request)
        validate(self._service, operation, params)
        self._authorize(call, operation.name, params, request)
        if streamed:
            return await self._store_body(call, operation, params, check, pieces)
        try:
            answer = await registry.invoke(call, params)
        except ApiError as error:
            self._hide_absence(call, error, params, request)
            raise
        return self._written(operation, answer, request_id)

    async def _relay(
        self,
        request: Request,
        operation: OperationModel,
        request_id: str,
        pieces: AsyncIterator[bytes],
        external: ExternalS3,
        send: Send,
    ) -> None:
        """What Seawall's policies allow is asked of the other S3."""
        call = self._call(request, operation, request_id)
        check = BodyCheck(request, chunk_signer(request, self._store, self._settings))
        request = path_style(request, self._settings.region)
        streamed = operation.name in STREAMED
        if not streamed:
            request = msgspec.structs.replace(request, body=await receive_text(check, pieces))
        params = self._protocol.parse(operation, request)
        validate(self._service, operation, params)
        if "CopySource" in params:
            split_source(params["CopySource"])  # a source that cannot be read was not asked about
        self._authorize(call, operation.name, params, request)
        for refusal in call.refused.values():  # a request cannot be passed on in part
            raise refusal
        await external.pass_on(request, check, pieces if streamed else None, send)

    async def _store_body(
        self,
        call: registry.Call,
        operation: OperationModel,
        params: dict[str, Any],
        check: BodyCheck,
        pieces: AsyncIterator[bytes],
    ) -> tuple[Response, FilePiece | None]:
        """The operation takes over the file; it is removed when it does not."""
        file = self.objects.new_file()
        try:
            received: Received = await receive_file(check, pieces, file)
            answer = await registry.invoke(call, {**params, "Body": received})
        except BaseException:
            self.objects.forget_file(file)
            raise
        return self._written(operation, answer, call.request_id)

    def _written(
        self, operation: OperationModel, answer: dict[str, Any], request_id: str
    ) -> tuple[Response, FilePiece | None]:
        body = answer.get("Body")
        if not isinstance(body, FilePiece):
            return self._protocol.serialize(operation, answer, request_id), None
        shown = {name: value for name, value in answer.items() if name != "Body"}
        response = self._protocol.serialize(operation, shown, request_id)
        status = 206 if "ContentRange" in answer else response.status
        return msgspec.structs.replace(response, status=status), body

    def _call(self, request: Request, operation: OperationModel, request_id: str) -> registry.Call:
        now, settings = self._clock(), self._settings
        return registry.Call(
            store=self._store,
            principal=authenticate(request, self._service, self._store, settings, now),
            account=settings.account,
            region=settings.region,
            service="s3",
            operation=operation.name,
            request_id=request_id,
            now=now,
            resources={"objects": self.objects},
        )

    def _authorize(
        self, call: registry.Call, operation: str, params: Mapping[str, Any], request: Request
    ) -> None:
        facts = CallFacts(
            store=self._store,
            account=call.account,
            region=call.region,
            now=call.now,
            principal=call.principal,
            partition=call.partition,
        )
        origin = Origin(
            source_ip=request.client,
            secure=request.secure,
            user_agent=request.headers.get("user-agent"),
            referer=request.headers.get("referer"),
            endpoint=self._via(self._store, request.client) if request.client else None,
        )
        call.refused = authorize(self._service, operation, dict(params), facts, origin)

    def _hide_absence(
        self, call: registry.Call, error: ApiError, params: Mapping[str, Any], request: Request
    ) -> None:
        """Who may not list a bucket is not told what is not in it.  Raises ApiError AccessDenied."""
        if error.code == "NoSuchKey" and call.operation in ("GetObject", "HeadObject"):
            self._authorize(call, "ListObjectsV2", {"Bucket": params["Bucket"]}, request)


def request_of(scope: Scope) -> Request:
    """The request without its body."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
    client = scope.get("client")
    return Request(
        method=scope["method"],
        path=raw_path.decode("latin-1"),
        query=scope["query_string"].decode("latin-1"),
        headers=headers,
        body=b"",
        client=client[0] if client else None,
        secure=scope.get("scheme") == "https",
    )


def _as_api_error(error: ApiError | WireError) -> ApiError:
    if isinstance(error, ApiError):
        return error
    return ApiError(error.code, error.message, status=error.status)


async def _body(receive: Receive) -> AsyncIterator[bytes]:
    """Raises Disconnected."""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        if message.get("body"):
            yield message["body"]
        if not message.get("more_body", False):
            return


async def _answer(send: Send, method: str, response: Response, body: FilePiece | None) -> None:
    headers = {name.lower(): value for name, value in response.headers.items()}
    if response.status == 304:
        headers.pop("content-type", None)
    elif method != "HEAD" or response.status >= 400:
        headers["content-length"] = str(len(response.body) if body is None else body.length)
    raw = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers.items()]
    opened = None if body is None else await asyncio.to_thread(_open, body.file, body.start)
    await send({"type": "http.response.start", "status": response.status, "headers": raw})
    if opened is None or body is None:
        plain = b"" if method == "HEAD" or response.status == 304 else response.body
        await send({"type": "http.response.body", "body": plain})
        return
    with opened:
        left = body.length
        while left and (piece := await asyncio.to_thread(opened.read, min(left, PIECE))):
            left -= len(piece)
            await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def _open(file: Path, start: int) -> Any:
    opened = open(file, "rb")  # noqa: SIM115 - closed by whoever sends it
    opened.seek(start)
    return opened
