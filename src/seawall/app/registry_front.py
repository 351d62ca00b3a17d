"""The registry as clients see it: ASGI for /v2/..., with ECR's login, repositories, tags and error texts.

Layers stream through to the registry process.  Manifests are looked at on their way, because a pushed one
becomes an image in the store, and because tags are resolved here: the process knows digests only.
"""

import base64
import binascii
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from datetime import datetime, timezone
from typing import Any
from urllib.parse import parse_qs, quote

import httpx
import msgspec

from seawall.api.ecr.access import repository_target
from seawall.api.ecr.content import ManifestRefused, RegistryUnavailable
from seawall.api.ecr.names import registry_host, unknown_repository
from seawall.api.ecr.pushing import (
    DIGEST,
    TAG,
    check_tag,
    digest_of,
    find_tag,
    media_type_of,
    record_push,
)
from seawall.api.ecr.token import USER, BadToken, token_principal
from seawall.app.layer_bucket import LayerBucket
from seawall.app.registry import Registry, RegistryError
from seawall.iam.access import CallFacts
from seawall.iam.authorize import Asker
from seawall.iam.context import EndpointOrigin, Origin
from seawall.iam.principal import Principal
from seawall.iam.refusal import refusal_text
from seawall.model.image import Image, image_id
from seawall.model.repository import Repository
from seawall.store.store import Reader, Store
from seawall.wire.errors import ApiError

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

log = logging.getLogger(__name__)

MOST_MANIFESTS = 256  # kept in memory; one has some 2 kB
LARGEST_MANIFEST = 4 * 1024 * 1024  # bytes, as ECR's imageManifest
_ROUTE = re.compile(r"/v2/(?P<name>.+)/(?P<kind>manifests|blobs|tags)/(?P<rest>[^/]+|uploads/[^/]*)")
_HOP_BY_HOP = {b"connection", b"keep-alive", b"te", b"trailer", b"upgrade", b"proxy-connection"}
_NOT_PASSED_ON = {*_HOP_BY_HOP, b"authorization", b"host", b"expect", b"transfer-encoding"}


class RegistryRefusal(Exception):
    """An answer that says no, in the form of the OCI distribution specification."""

    def __init__(
        self, status: int, code: str, message: str, headers: tuple[tuple[str, str], ...] = ()
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.body = msgspec.json.encode({"errors": [{"code": code, "message": message}]})
        self.headers = headers


def _utc_now() -> datetime:
    return datetime.now(timezone.utc)


class _Disconnected(Exception):
    """The client went away in the middle of its request."""


class RegistryFront:
    """ASGI application.  Speaks for one account's registry under whatever host it is reached."""

    def __init__(
        self,
        registry: Registry,
        store: Store,
        *,
        account: str,
        region: str,
        now: Callable[[], datetime] = _utc_now,
        via: Callable[[Reader, str], EndpointOrigin | None] = lambda reader, address: None,
        layers: LayerBucket | None = None,
    ) -> None:
        """`layers` is where those get layers who call the registry by its name, as on AWS; others, who could
        not follow a link to S3, get them here.
        """
        self._registry = registry
        self._layers = layers
        self._store = store
        self._account = account
        self._region = region
        self._via = via
        self._host = registry_host(account, region)
        self._now = now
        self._manifests: dict[tuple[str, str], bytes] = {}

    @staticmethod
    def matches(scope: Scope) -> bool:
        """Whether a request is for the registry, by its path."""
        return scope["type"] == "http" and bool(re.match(r"/v2(/|$)", scope["path"]))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._serve(scope, receive, send)
        except RegistryRefusal as refusal:
            headers = (("Content-Type", "application/json; charset=utf-8"), *refusal.headers)
            await _answer(send, refusal.status, headers, b"" if scope["method"] == "HEAD" else refusal.body)
        except (httpx.TransportError, RegistryUnavailable):
            await _answer(send, 503, (("Retry-After", "1"),), b"")
        except RegistryError:
            log.exception("registry.failed")
            await _answer(send, 500, (), b"")
        except _Disconnected:
            return

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        caller = self._authenticate(scope)
        if scope["path"] in ("/v2", "/v2/"):
            await _answer(send, 200, (("Content-Type", "application/json"),), b"{}")
            return
        route = _ROUTE.fullmatch(scope["path"])
        if route is None or {".", ".."}.intersection(
            scope["path"].split("/")
        ):  # would be another repository's
            raise RegistryRefusal(404, "UNSUPPORTED", "The operation is unsupported.")
        action = _action(route["kind"], scope["method"])
        self._refuse_others(caller, action, route["name"], scope)
        self._authorize(caller, action, route["name"], scope)
        repository = self._store.find(Repository, route["name"])
        if repository is None:
            raise RegistryRefusal(404, "NAME_UNKNOWN", unknown_repository(route["name"], self._account))
        if route["kind"] == "manifests":
            await self._manifest(repository, route["rest"], scope, receive, send)
        elif route["kind"] == "tags":
            await self._tags(repository, route["rest"], scope, send)
        else:
            await self._blob(repository, caller, scope, receive, send)

    def _refuse_others(self, caller: Principal, action: str, repository: str, scope: Scope) -> None:
        """Another account's registry has the same address, and a policy of its own that names nobody here."""
        account, _, rest = (_header(scope, b"host") or "").partition(".")
        if rest == self._host.partition(".")[2] and account != self._account:
            arn = f"arn:aws:ecr:{self._region}:{account}:repository/{repository}"
            text = f"User: {caller.arn} is not authorized to perform: {action} on resource: {arn} because"
            raise RegistryRefusal(
                403, "DENIED", f"{text} no resource-based policy allows the {action} action"
            )

    def _authorize(self, caller: Principal, action: str, repository: str, scope: Scope) -> None:
        """Raises RegistryRefusal in ECR's words when the token's owner may not do this."""
        facts = CallFacts(
            store=self._store, account=self._account, region=self._region, now=self._now(), principal=caller
        )
        client = scope.get("client")
        origin = Origin(
            source_ip=client[0] if client else None,
            secure=scope.get("scheme") == "https",
            user_agent=_header(scope, b"user-agent"),
            endpoint=self._via(self._store, client[0]) if client else None,
        )
        question, decision = Asker(facts, origin).decide(action, repository_target(repository, facts))
        if not decision.allowed:
            raise RegistryRefusal(403, "DENIED", refusal_text(question, decision))

    def _may_mount(self, caller: Principal, source: str, scope: Scope) -> bool:
        """Whether a layer may be taken over from the repository `source`: by who may pull it there."""
        try:
            self._authorize(caller, "ecr:GetDownloadUrlForLayer", source, scope)
        except RegistryRefusal:
            return False
        return self._store.find(Repository, source) is not None

    def _authenticate(self, scope: Scope) -> Principal:
        """Raises RegistryRefusal unless the request carries AWS:<token> as Basic credentials."""
        user, password = _basic_credentials(_header(scope, b"authorization") or "")
        if user != USER:
            challenge = f'Basic realm="https://{self._host}/",service="ecr.amazonaws.com"'
            raise RegistryRefusal(401, "UNAUTHORIZED", "Not Authorized", (("WWW-Authenticate", challenge),))
        try:
            return token_principal(self._store, password, self._now())
        except BadToken as bad:
            if bad.expired:
                text = "Your authorization token has expired. Reauthenticate and try again."
                raise RegistryRefusal(403, "DENIED", text) from None
            raise RegistryRefusal(400, "DENIED", "Your Authorization Token is invalid.") from None

    async def _manifest(
        self, repository: Repository, reference: str, scope: Scope, receive: Receive, send: Send
    ) -> None:
        method = scope["method"]
        if method == "PUT":
            await self._put_manifest(repository, reference, scope, receive, send)
            return
        image = self._image(repository, reference)
        target = f"/v2/{repository.id}/manifests/{image.digest}"
        if method in ("GET", "HEAD"):
            # Accept must name the image's own type: the registry would convert or refuse otherwise.
            headers = [("Accept", image.media_type)]
            if match := _header(scope, b"if-none-match"):
                headers.append(("If-None-Match", match))
                await self._pass_on(method, target, headers, None, send)
            else:
                await self._send_manifest(repository, image, method, send)
        elif method == "DELETE":
            await self._delete_manifest(repository, image, reference, send)
        else:
            raise RegistryRefusal(405, "UNSUPPORTED", "The operation is unsupported.")

    async def _send_manifest(self, repository: Repository, image: Image, method: str, send: Send) -> None:
        """What a digest names never changes, so it is fetched from the registry once."""
        key = (repository.id, image.digest)
        body = self._manifests.pop(key, None)
        if body is None:
            body = await self._registry.manifest(*key)
            if body is None:
                raise RegistryRefusal(404, "MANIFEST_UNKNOWN", f"manifest {image.digest} is gone")
        self._manifests[key] = body  # the last are those used last
        while len(self._manifests) > MOST_MANIFESTS:
            del self._manifests[next(iter(self._manifests))]
        headers = (
            ("Content-Type", image.media_type),
            ("Docker-Content-Digest", image.digest),
            ("ETag", f'"{image.digest}"'),
        )
        await _answer(send, 200, headers, b"" if method == "HEAD" else body, length=len(body))

    def _image(self, repository: Repository, reference: str) -> Image:
        if DIGEST.fullmatch(reference):
            image = self._store.find(Image, image_id(repository.id, reference))
        else:
            image = find_tag(self._store, repository, reference)
        if image is None:
            kind = "imageDigest" if ":" in reference else "imageTag"
            other = "imageTag" if ":" in reference else "imageDigest"
            raise RegistryRefusal(
                404,
                "MANIFEST_UNKNOWN",
                f"Requested image not found: {{{kind}:'{reference}', {other}:'null'}} in repository"
                f" '{repository.id}' of registry '{self._account}'",
            )
        return image

    async def _put_manifest(
        self, repository: Repository, reference: str, scope: Scope, receive: Receive, send: Send
    ) -> None:
        body = await _read_manifest(receive)
        digest = digest_of(body)
        tag = None if DIGEST.fullmatch(reference) else reference
        if tag is None and reference != digest:
            raise RegistryRefusal(400, "DIGEST_INVALID", "provided digest did not match uploaded content")
        if tag is not None and not TAG.fullmatch(tag):
            raise RegistryRefusal(400, "TAG_INVALID", f"'{tag}' is no image tag")
        try:
            media_type = media_type_of(body, _header(scope, b"content-type"))
            if tag is not None:
                check_tag(self._store, repository, tag, digest)
            await self._registry.put_manifest(repository.id, digest, body, media_type)
            with self._store.write() as txn:
                if txn.find(Repository, repository.id) is None:
                    raise RegistryRefusal(
                        404, "NAME_UNKNOWN", unknown_repository(repository.id, self._account)
                    )
                record_push(txn, repository, body, media_type, tag, self._now())
        except ManifestRefused as refused:
            raise RegistryRefusal(400, refused.code, refused.message) from None
        except RegistryUnavailable:
            raise
        except ApiError as error:
            code = "TAG_INVALID" if error.code == "ImageTagAlreadyExistsException" else "MANIFEST_INVALID"
            raise RegistryRefusal(400, code, error.message) from None
        headers = (
            ("Location", f"/v2/{repository.id}/manifests/{digest}"),
            ("Docker-Content-Digest", digest),
        )
        await _answer(send, 201, headers, b"")

    async def _delete_manifest(
        self, repository: Repository, image: Image, reference: str, send: Send
    ) -> None:
        if reference != image.digest:
            raise RegistryRefusal(405, "UNSUPPORTED", "Delete by digest, or use BatchDeleteImage for a tag.")
        with self._store.write() as txn:
            if txn.referrers(Image, image.ref):
                raise RegistryRefusal(403, "DENIED", "Requested image referenced by manifest list")
            txn.delete(Image, image.id)
        await self._registry.delete_manifest(repository.id, image.digest)
        await _answer(send, 202, (), b"")

    async def _tags(self, repository: Repository, rest: str, scope: Scope, send: Send) -> None:
        if rest != "list" or scope["method"] not in ("GET", "HEAD"):
            raise RegistryRefusal(404, "UNSUPPORTED", "The operation is unsupported.")
        query = parse_qs(scope["query_string"].decode("latin-1"))
        last, count = query.get("last", [""])[0], query.get("n", ["1000"])[0]
        if not count.isdecimal() or not 1 <= int(count) <= 1000:
            raise RegistryRefusal(400, "PAGINATION_NUMBER_INVALID", "n must be a number from 1 to 1000")
        images = self._store.referrers(Image, repository.ref)
        tags = sorted(tag for image in images for tag in image.tags if tag > last)
        page = tags[: int(count)]
        headers = [("Content-Type", "application/json")]
        if len(page) < len(tags):
            more = f"/v2/{repository.id}/tags/list?last={quote(page[-1])}&n={count}"
            headers.append(("Link", f'<{more}>; rel="next"'))
        await _answer(send, 200, tuple(headers), msgspec.json.encode({"name": repository.id, "tags": page}))

    async def _blob(
        self, repository: Repository, caller: Principal, scope: Scope, receive: Receive, send: Send
    ) -> None:
        digest = scope["path"].rpartition("/")[2]
        by_name = _header(scope, b"host") == self._host
        if by_name and self._layers is not None and scope["method"] == "GET" and DIGEST.fullmatch(digest):
            link = self._layers.link(repository.id, digest, self._now())
            await _answer(send, 307, (("Location", link),), b"")
            return
        query = scope["query_string"].decode("latin-1")
        source = parse_qs(query).get("from")
        if source and not self._may_mount(caller, source[0], scope):
            query = ""  # nothing to mount from: the registry then begins an ordinary upload
        target = quote(scope["path"], safe="/:=@") + (f"?{query}" if query else "")
        headers = [
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, value in scope["headers"]
            if name.lower() not in _NOT_PASSED_ON
        ]
        if scope["method"] == "POST":  # the registry would look for `from` in a form, too
            headers = [(name, value) for name, value in headers if name.lower() != "content-type"]
        sends_body = scope["method"] in ("POST", "PUT", "PATCH")
        await self._pass_on(scope["method"], target, headers, _body(receive) if sends_body else None, send)

    async def _pass_on(
        self,
        method: str,
        target: str,
        headers: list[tuple[str, str]],
        body: AsyncIterator[bytes] | None,
        send: Send,
    ) -> None:
        """Hand a request to the registry and its answer to the client, piece by piece.

        The registry answers with relative locations, so uploads come back to the host the client used.
        """
        begun = False
        try:
            async with self._registry.stream(method, target, headers, body) as answer:
                kept = [
                    (name.lower(), value)
                    for name, value in answer.headers.raw
                    if name.lower() not in {*_HOP_BY_HOP, b"transfer-encoding"}
                ]
                await send({"type": "http.response.start", "status": answer.status_code, "headers": kept})
                begun = True
                if method != "HEAD":
                    async for piece in answer.aiter_raw():
                        await send({"type": "http.response.body", "body": piece, "more_body": True})
        except httpx.TransportError:
            if not begun:
                raise
            log.warning("registry.answer_cut_off", extra={"target": target})
            return  # an unfinished answer: the server closes the connection, which tells the client
        await send({"type": "http.response.body", "body": b""})


def _action(kind: str, method: str) -> str:
    """The permission of ECR that a request of the distribution protocol stands for.

    Source: "Required IAM permissions" of pushing and pulling, ECR user guide.
    """
    if kind == "tags":
        return "ecr:ListImages"
    actions = {
        "manifests": {"PUT": "PutImage", "DELETE": "BatchDeleteImage"},
        "blobs": {
            "HEAD": "BatchCheckLayerAvailability",
            "POST": "InitiateLayerUpload",
            "PATCH": "UploadLayerPart",
            "PUT": "CompleteLayerUpload",
            "DELETE": "BatchDeleteImage",
        },
    }
    usual = {"manifests": "BatchGetImage", "blobs": "GetDownloadUrlForLayer"}
    return "ecr:" + actions[kind].get(method, usual[kind])


def _basic_credentials(header: str) -> tuple[str, str]:
    """User and password; two empty strings when there are none or they are garbled."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return "", ""
    return user, password


async def _body(receive: Receive) -> AsyncIterator[bytes]:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Disconnected
        if message.get("body"):
            yield message["body"]
        if not message.get("more_body", False):
            return


async def _read_manifest(receive: Receive) -> bytes:
    pieces: list[bytes] = []
    size = 0
    async for piece in _body(receive):
        size += len(piece)
        if size > LARGEST_MANIFEST:
            raise RegistryRefusal(413, "MANIFEST_INVALID", "The manifest is larger than 4 MiB.")
        pieces.append(piece)
    return b"".join(pieces)


def _header(scope: Scope, name: bytes) -> str | None:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key.lower() == name), None)


async def _answer(
    send: Send, status: int, headers: tuple[tuple[str, str], ...], body: bytes, length: int | None = None
) -> None:
    """`length` is what a GET would have had, for the answer to a HEAD."""
    raw = [(name.lower().encode(), value.encode()) for name, value in headers]
    raw += [
        (b"docker-distribution-api-version", b"registry/2.0"),
        (b"content-length", str(len(body) if length is None else length).encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})
