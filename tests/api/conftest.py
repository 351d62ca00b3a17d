"""Real AWS clients on an in-process Seawall: fixtures for every test of the API.

aws("ec2")   a botocore client; it serialises, signs and parses as always, only the socket is missing.
             Retries are off, so an error arrives as a ClientError at the first answer.
             aws("ec2", access_key="AKIA...", secret_key="...", session_token="...") for other callers.
gateway      the Gateway the clients talk to (auth mode "open": every caller is the account's root)
store        its Store, on a temporary file
clock        its clock: `clock()` is now, `clock.advance(seconds)` moves it, `clock.now = ...` sets it
resources    the mapping that becomes Call.resources; fill it before or after the first call
ACCOUNT, REGION   are 123456789012 and us-east-1
"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import botocore.loaders
import botocore.session
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config

from seawall.app.gateway import Gateway
from seawall.store.store import Store

ACCOUNT = "123456789012"
REGION = "us-east-1"


@dataclass(frozen=True)
class OpenSettings:
    """Anybody may do everything."""

    account: str = ACCOUNT
    region: str = REGION
    auth: Literal["enforce", "open"] = "open"


class Clock:
    """Time that only tests move."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=timezone.utc)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class RawBody:
    """The body of an answer, as botocore reads it from a socket."""

    def __init__(self, body: bytes) -> None:
        self._rest = body

    def read(self, amount: int | None = None) -> bytes:
        count = len(self._rest) if amount is None else amount
        chunk, self._rest = self._rest[:count], self._rest[count:]
        return chunk

    def stream(self) -> Iterator[bytes]:
        yield self.read()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tmp_path(memory_path: Path) -> Path:
    return memory_path


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / "state.db")
    yield opened
    opened.close()


@pytest.fixture
def resources() -> dict[str, Any]:
    return {}


@pytest.fixture
def gateway(store: Store, clock: Clock, resources: dict[str, Any]) -> Gateway:
    return Gateway(store, OpenSettings(), resources=resources, clock=clock)


@pytest.fixture
def event_loop_runner() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


def send_to(app: Gateway, loop: asyncio.AbstractEventLoop, request: AWSPreparedRequest) -> AWSResponse:
    """Run the ASGI app for one prepared request."""
    parts = urlsplit(request.url)
    body = request.body or b""
    raw = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else body.read()
    headers = [
        (name.lower().encode(), value if isinstance(value, bytes) else str(value).encode())
        for name, value in request.headers.items()
    ]
    scope = {
        "type": "http",
        "method": request.method,
        "path": parts.path,
        "raw_path": parts.path.encode(),
        "query_string": parts.query.encode(),
        "headers": [(b"host", parts.netloc.encode()), *headers],
        "client": ("127.0.0.1", 1),
    }
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": raw, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    loop.run_until_complete(app(scope, receive, send))
    start, payload = sent
    answer_headers = {name.decode(): value.decode() for name, value in start["headers"]}
    return AWSResponse(request.url, start["status"], answer_headers, RawBody(payload["body"]))


class Clients:
    """Clients by service and caller, made once for all tests: making one takes 20 to 200 ms.

    What they send goes to the gateway of the test that runs.
    """

    def __init__(self) -> None:
        self._made: dict[tuple[str, ...], Any] = {}
        self._models = botocore.loaders.create_loader()
        self.send: Callable[[AWSPreparedRequest], AWSResponse] | None = None

    def client(
        self,
        service: str,
        *,
        access_key: str = "test",
        secret_key: str = "test",
        session_token: str | None = None,
        region: str = REGION,
    ) -> Any:
        key = (service, access_key, secret_key, session_token or "", region)
        if key not in self._made:
            session = botocore.session.get_session()
            session.register_component("data_loader", self._models)
            self._made[key] = session.create_client(
                service,
                region,
                aws_access_key_id=access_key,
                aws_secret_access_key=secret_key,
                aws_session_token=session_token,
                endpoint_url="http://127.0.0.1:4566",
                config=Config(retries={"total_max_attempts": 1}, ignore_configured_endpoint_urls=True),
            )
            self._made[key].meta.events.register("before-send.*.*", self._hand_over)
        return self._made[key]

    def _hand_over(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        assert self.send is not None
        return self.send(request)


@pytest.fixture(scope="session")
def all_clients() -> Clients:
    return Clients()


@pytest.fixture
def aws(
    gateway: Gateway, event_loop_runner: asyncio.AbstractEventLoop, all_clients: Clients
) -> Callable[..., Any]:
    all_clients.send = lambda request: send_to(gateway, event_loop_runner, request)
    return all_clients.client
