"""botocore's S3 client on an in-process S3Front: as with other services, only the socket is missing."""

import asyncio
import io
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import botocore.loaders
import botocore.session
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config

from seawall.app.s3_front import S3Front
from seawall.model.access_key import AccessKey
from seawall.store.objects import Objects
from seawall.store.store import Store

MODELS = botocore.loaders.create_loader()  # reading them takes longer than most tests
KEY, SECRET = "AKIA" + "ROOT" * 4, "root-secret"


class Settings:
    account, region = "123456789012", "us-east-1"

    def __init__(self, auth: Literal["enforce", "open"]) -> None:
        self.auth: Literal["enforce", "open"] = auth


class Body(io.BytesIO):
    def stream(self) -> Iterator[bytes]:
        yield self.read()


@pytest.fixture
def objects(tmp_path: Path) -> Iterator[Objects]:
    opened = Objects(tmp_path / "s3")
    yield opened
    opened.close()


@pytest.fixture
def send(
    store: Store, objects: Objects, event_loop_runner: asyncio.AbstractEventLoop
) -> Callable[[AWSPreparedRequest], AWSResponse]:
    """Hands a signed request to S3, in pieces, and gives the answer.  Signatures are enforced."""
    with store.write() as txn:
        txn.put(AccessKey(id=KEY, secret=SECRET, user=None, create_date=datetime.now(timezone.utc)))
    front = S3Front(store, objects, Settings("enforce"))
    return lambda request: send_through(front, event_loop_runner, request)


def send_through(front: S3Front, loop: asyncio.AbstractEventLoop, request: AWSPreparedRequest) -> AWSResponse:
    parts = urlsplit(request.url)
    given: Any = request.body or b""
    body = given.encode() if isinstance(given, str) else given if isinstance(given, bytes) else given.read()
    headers = {
        name.lower(): value.decode() if isinstance(value, bytes) else str(value)
        for name, value in request.headers.items()
    }
    headers.setdefault("host", parts.netloc)
    if headers.pop("transfer-encoding", "") != "chunked":
        headers.setdefault("content-length", str(len(body)))
    scope = {
        "type": "http",
        "method": request.method,
        "path": parts.path,
        "raw_path": parts.path.encode(),
        "query_string": parts.query.encode(),
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers.items()],
        "client": ("127.0.0.1", 1),
    }
    assert S3Front.matches(scope)
    pieces = [body[at : at + 1000] for at in range(0, len(body), 1000)] or [b""]
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        piece = pieces.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(pieces)}

    async def send(message: Any) -> None:
        sent.append(message)

    loop.run_until_complete(front(scope, receive, send))
    answer_headers = {name.decode(): value.decode("latin-1") for name, value in sent[0]["headers"]}
    answer = Body(b"".join(message["body"] for message in sent[1:]))
    return AWSResponse(request.url, sent[0]["status"], answer_headers, answer)


@pytest.fixture
def client(send: Callable[[AWSPreparedRequest], AWSResponse]) -> Callable[..., Any]:
    """client(addressing_style="virtual", ...): an S3 client of the account's root."""

    def make(secret: str = SECRET, scheme: str = "https", change: Any = None, **options: Any) -> Any:
        config = Config(retries={"total_max_attempts": 1}, s3=options.pop("s3", {}), **options)
        session = botocore.session.get_session()
        session.register_component("data_loader", MODELS)
        made = session.create_client(
            "s3",
            "us-east-1",
            aws_access_key_id=KEY,
            aws_secret_access_key=secret,
            endpoint_url=f"{scheme}://s3.us-east-1.amazonaws.com",
            config=config,
        )

        def hand_over(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
            if change is not None:
                change(request)
            return send(request)

        made.meta.events.register("before-send.*.*", hand_over)
        return made

    return make


@pytest.fixture
def s3(client: Callable[..., Any]) -> Any:
    return client()
