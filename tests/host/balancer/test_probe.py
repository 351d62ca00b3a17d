"""One check of one target on this machine's loopback."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from seawall.app.certificates import Certificates
from seawall.host.balancer.health import Outcome
from seawall.host.balancer.probe import probe
from seawall.program.balancer import Check, PoolTarget

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def serving(answer: Answer, tls: ssl.SSLContext | None = None) -> AsyncIterator[PoolTarget]:
    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await answer(reader, writer)
            await writer.drain()
        finally:
            writer.close()

    server = await asyncio.start_server(converse, "127.0.0.1", 0, ssl=tls)
    try:
        yield PoolTarget(id="t", address="127.0.0.1", port=server.sockets[0].getsockname()[1])
    finally:
        server.close()
        await server.wait_closed()


def check(answer: Answer, tls: ssl.SSLContext | None = None, **members: Any) -> Outcome:
    wanted = Check(**{"timeout_s": 2, "user_agent": "ELB-HealthChecker/2.0", **members})

    async def run() -> Outcome:
        async with serving(answer, tls) as target:
            return await probe(socket.socket, wanted, target)

    return asyncio.run(run())


def saying(text: str, heads: list[str] | None = None) -> Answer:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if heads is not None:
            heads.append(head.decode())
        writer.write(text.encode())

    return answer


async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


def test_the_request() -> None:
    heads: list[str] = []
    assert check(saying("HTTP/1.1 200 OK\r\n\r\n", heads), path="/health?x=1") == Outcome(code=200)
    first, *fields = heads[0].strip().split("\r\n")
    assert first == "GET /health?x=1 HTTP/1.1"
    named = dict(field.split(": ", 1) for field in fields)
    assert named.pop("Host").startswith("127.0.0.1:")
    assert named == {
        "Connection": "close",
        "User-Agent": "ELB-HealthChecker/2.0",
        "Accept-Encoding": "gzip, compressed",
    }


@pytest.mark.parametrize(
    ("answer", "codes", "outcome"),
    [
        ("HTTP/1.1 200 OK\r\n\r\n", ((200, 200),), Outcome(code=200)),
        ("HTTP/1.0 301 Moved\r\n\r\n", ((200, 299), (301, 301)), Outcome(code=301)),
        ("HTTP/1.1 500 No\r\n\r\n", ((200, 499),), Outcome(cause="mismatch", code=500)),
        ("HTTP/1.1 100 Go on\r\n\r\nHTTP/1.1 204 None\r\n\r\n", ((200, 299),), Outcome(code=204)),
        ("", ((200, 200),), Outcome(cause="failed", text="the connection ended without an answer")),
        (
            "HTTP/1.1 100 " + "x" * 90000,
            ((200, 200),),
            Outcome(cause="failed", text="the connection ended without an answer"),
        ),
        (
            "HTTP/1.1 100 \r\nx: " + "x" * 90000,
            ((200, 200),),
            Outcome(cause="failed", text="the connection ended without an answer"),
        ),
        ("SSH-2.0-x\r\n", ((200, 200),), Outcome(cause="failed", text="the answer is not HTTP")),
    ],
)
def test_answers(answer: str, codes: tuple[tuple[int, int], ...], outcome: Outcome) -> None:
    assert check(saying(answer), codes=codes) == outcome


def test_silence_is_a_timeout() -> None:
    assert check(silence, timeout_s=0.05).cause == "timeout"
    assert check(silence, timeout_s=2, protocol="tcp") == Outcome()


def test_nobody_there_is_a_refusal() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        target = PoolTarget(id="t", address="127.0.0.1", port=taken.getsockname()[1])
        assert asyncio.run(probe(socket.socket, Check(), target)).cause == "refused"


def test_another_port_can_be_asked() -> None:
    async def run() -> Outcome:
        async with serving(saying("HTTP/1.1 200 OK\r\n\r\n")) as target:
            elsewhere = PoolTarget(id="t", address="127.0.0.1", port=1)
            return await probe(socket.socket, Check(port=target.port), elsewhere)

    assert asyncio.run(run()) == Outcome(code=200)


@pytest.mark.parametrize("version", ["http1", "http2"])
def test_a_certificate_is_not_looked_at(tmp_path: Path, version: str) -> None:
    certificates = Certificates(tmp_path, account="1", region="x")
    certificates.ensure()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificates.server, certificates.server_key)
    tls.set_alpn_protocols(["h2", "http/1.1"])

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        chosen = writer.get_extra_info("ssl_object").selected_alpn_protocol()
        assert chosen == {"http1": "http/1.1", "http2": "h2"}[version]
        if version == "http2":
            await http2(reader, writer)
        else:
            await saying("HTTP/1.1 200 OK\r\n\r\n")(reader, writer)

    assert check(answer, tls, protocol="https", version=version) == Outcome(code=200)


def frame(kind: int, flags: int, payload: str, stream: int = 1) -> bytes:
    data = bytes.fromhex(payload)
    return len(data).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + data


SETTINGS = frame(4, 0, "", 0)


def speaking(*frames: bytes) -> Answer:
    """HTTP/2: what a server says after the client's preface and headers."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert (await reader.readexactly(24)).startswith(b"PRI * HTTP/2.0\r\n")
        kind = -1
        while kind != 1:
            head = await reader.readexactly(9)
            kind = head[3]
            await reader.readexactly(int.from_bytes(head[:3], "big"))
        writer.write(b"".join((SETTINGS, *frames)))
        await writer.drain()
        await reader.read(1)

    return answer


http2 = speaking(frame(1, 4, "88"))
TRAILERS = "40 0b 677270632d737461747573 02 3132"  # grpc-status: 12


@pytest.mark.parametrize(
    ("frames", "outcome"),
    [
        ([frame(1, 4, "88")], Outcome(code=200)),
        ([frame(1, 4, "8d")], Outcome(cause="mismatch", code=404)),
        ([frame(1, 0, "08 03"), frame(9, 4, "323030")], Outcome(code=200)),  # in two pieces
        ([frame(1, 4 + 8, "01 88 00")], Outcome(code=200)),  # filled up
        ([frame(1, 4, "08 03 313033"), frame(1, 4, "88")], Outcome(code=200)),  # 103 comes before
        ([frame(6, 0, "0000000000000000", 0), frame(1, 4, "88")], Outcome(code=200)),
        ([frame(7, 0, "0000000000000001", 0)], Outcome(cause="failed", text="the request was refused")),
        ([frame(7, 0, "0000000100000000", 0), frame(1, 4, "88")], Outcome(code=200)),  # the last one
        ([frame(1, 4 + 8, "")], Outcome(cause="failed", text="the connection ended without an answer")),
        ([frame(3, 0, "00000001")], Outcome(cause="failed", text="the request was refused")),
    ],
)
def test_http2(frames: list[bytes], outcome: Outcome) -> None:
    assert check(speaking(*frames), version="http2") == outcome


@pytest.mark.parametrize(
    ("frames", "outcome"),
    [
        ([frame(1, 4, "88"), frame(0, 0, "0000000000"), frame(1, 5, TRAILERS)], Outcome(code=12)),
        ([frame(1, 5, "88" + TRAILERS)], Outcome(code=12)),
        ([frame(1, 5, "88")], Outcome(cause="failed", text="the answer has no grpc-status")),
    ],
)
def test_grpc(frames: list[bytes], outcome: Outcome) -> None:
    assert check(speaking(*frames), version="grpc", codes=((12, 12),)) == outcome


def test_who_speaks_http1_to_http2_fails() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")

    assert check(answer, version="http2") == Outcome(cause="failed", text="the answer is not HTTP/2")


def test_how_long_a_connection_may_take_is_the_checks_own_matter() -> None:
    """Two minutes and more: in its namespace others give up after 3 seconds."""
    asked: list[socket.socket] = []

    def opened(family: int) -> socket.socket:
        made = socket.socket(family)
        asked.append(made.dup())
        return made

    async def run() -> None:
        async with serving(saying("HTTP/1.1 200 OK\r\n\r\n")) as target:
            assert (await probe(opened, Check(timeout_s=2), target)).code == 200

    asyncio.run(run())
    with asked[0] as own:
        assert own.getsockopt(socket.IPPROTO_TCP, socket.TCP_SYNCNT) == 7
