"""The bucket that ECR keeps layers in: a pull gets manifests from the registry, and layers from Amazon S3.

The registry answers a request for a layer with a signed link to the bucket, so a VPC without its own way to
S3 pulls nothing, and the policy of a gateway endpoint decides here, too.
Source: ECR user guide, "Amazon ECR interface VPC endpoints": the gateway endpoint's minimum permissions.
"""

import hashlib
import hmac
import re
import secrets
from datetime import datetime
from typing import NamedTuple
from urllib.parse import quote, unquote, urlencode

import httpx

from seawall.api.s3.names import layer_bucket
from seawall.app.gateway import Scope, Send, Via
from seawall.app.registry import Registry
from seawall.iam.context import Given, Origin, put, request_keys
from seawall.iam.policy.caller import Caller
from seawall.iam.policy.document import named_policy
from seawall.iam.policy.evaluate import Policies, Question, decide
from seawall.store.store import Reader
from seawall.wire.errors import ApiError
from seawall.wire.http import Request
from seawall.wire.rest_paths import query_values

LIFETIME_S = 3600
OWNER = "843547988961"  # an account of AWS's own
_CALLER = Caller(kind="user", account=OWNER, arn=f"arn:aws:iam::{OWNER}:user/ecr")
_EVERYTHING = (
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}'
)
LARGEST_PIECE = 64 * 1024  # bytes read at once
_SMALL_PIECE = re.compile(r"bytes=(\d{1,18})-(\d{1,18})")
_PASSED = {b"content-length", b"content-type", b"content-range", b"etag", b"accept-ranges"}


class Layer(NamedTuple):
    repository: str
    digest: str

    @property
    def path(self) -> str:
        """In the registry."""
        return f"/v2/{quote(self.repository)}/blobs/{self.digest}"


class LayerBucket:
    """Links to layers, and the answers to those who follow them.  A link is good for an hour."""

    def __init__(self, registry: Registry, region: str, account: str, via: Via) -> None:
        self.name = layer_bucket(region)
        self.host = f"{self.name}.s3.{region}.amazonaws.com"
        self._registry = registry
        self._region = region
        self._account = account
        self._via = via
        self._key = secrets.token_bytes(32)

    def link(self, repository: str, digest: str, now: datetime) -> str:
        """Where to get a layer."""
        path = f"/{self._account}/{quote(repository)}/{digest}"
        expires = str(int(now.timestamp()) + LIFETIME_S)
        query = urlencode({"X-Amz-Expires-At": expires, "X-Amz-Signature": self._sign(path, expires)})
        return f"https://{self.host}{path}?{query}"

    def layer(self, request: Request, reader: Reader, now: datetime) -> Layer:
        """The layer that a request is for.

        Raises ApiError when the link is wrong or old, or an endpoint's policy does not allow it.
        """
        query = query_values(request)
        expires, signature = query.get("X-Amz-Expires-At", [""])[0], query.get("X-Amz-Signature", [""])[0]
        path = request.path.removeprefix(f"/{self.name}")
        good = hmac.compare_digest(self._sign(path, expires), signature)
        if request.method not in ("GET", "HEAD") or not good or now.timestamp() > int(expires):
            raise ApiError("AccessDenied", "Access Denied", status=403)
        self._check_endpoint(request, reader, now, unquote(path))
        repository, _, digest = unquote(path).removeprefix(f"/{self._account}/").rpartition("/")
        return Layer(repository, digest)

    def _check_endpoint(self, request: Request, reader: Reader, now: datetime, path: str) -> None:
        endpoint = self._via(reader, request.client) if request.client else None
        if endpoint is None:
            return
        context: Given = {}
        put(context, request_keys(Origin(secure=request.secure, endpoint=endpoint), self._region, now))
        owner = {"aws:PrincipalAccount": OWNER, "aws:ResourceAccount": OWNER, "s3:ResourceAccount": OWNER}
        put(context, owner)
        question = Question(
            caller=_CALLER,
            action="s3:GetObject",
            resource=f"arn:aws:s3:::{self.name}{path}",
            context=context,
        )
        policies = Policies(
            identity=(named_policy("ecr", _EVERYTHING),),
            endpoint=(named_policy(endpoint.id, endpoint.policy),),
        )
        if not decide(question, policies).allowed:
            raise ApiError("AccessDenied", "Access Denied", status=403)

    def _sign(self, path: str, expires: str) -> str:
        return hmac.new(self._key, f"{path}\n{expires}".encode(), hashlib.sha256).hexdigest()

    async def send_layer(self, scope: Scope, layer: Layer, send: Send) -> None:
        """The layer, as the registry has it.  Raises ApiError when the registry does not answer.

        A small piece is read here: every launch asks for one, to see whether the layer is within reach.
        """
        asked = [(n.decode(), v.decode("latin-1")) for n, v in scope["headers"] if n.lower() == b"range"]
        piece = _SMALL_PIECE.fullmatch(asked[0][1]) if scope["method"] == "GET" and len(asked) == 1 else None
        if piece and await self._sent_piece(layer, int(piece[1]), int(piece[2]), send):
            return
        begun = False
        try:
            async with self._registry.stream(scope["method"], layer.path, asked, None) as answer:
                kept = [(n.lower(), v) for n, v in answer.headers.raw if n.lower() in _PASSED]
                await send({"type": "http.response.start", "status": answer.status_code, "headers": kept})
                begun = True
                if scope["method"] != "HEAD":
                    async for piece_of_it in answer.aiter_raw():
                        await send({"type": "http.response.body", "body": piece_of_it, "more_body": True})
        except httpx.TransportError:
            if not begun:
                raise ApiError("SlowDown", "Please reduce your request rate.", status=503) from None
            return  # an unfinished answer: the server closes the connection, which tells the client
        await send({"type": "http.response.body", "body": b""})

    async def _sent_piece(self, layer: Layer, first: int, last: int, send: Send) -> bool:
        if not 0 <= last - first < LARGEST_PIECE:
            return False
        found = self._registry.piece(*layer, first, last)
        if found is None:
            return False
        body, size = found
        headers = [
            (b"content-type", b"application/octet-stream"),
            (b"content-length", str(len(body)).encode()),
            (b"content-range", f"bytes {first}-{first + len(body) - 1}/{size}".encode()),
            (b"accept-ranges", b"bytes"),
            (b"etag", f'"{layer.digest}"'.encode()),
        ]
        await send({"type": "http.response.start", "status": 206, "headers": headers})
        await send({"type": "http.response.body", "body": body})
        return True
