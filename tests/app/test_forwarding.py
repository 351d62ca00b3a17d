"""`seawall forward` on loopback: bytes both ways, half-closed ends, refused targets."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest

from seawall.app import dialer
from seawall.app.forwarder import forward


@contextlib.contextmanager
def dialing(address: str, port: int) -> Iterator[socket.socket]:
    """A dialer in a thread, as it runs in a process inside the world."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    thread = threading.Thread(target=dialer.serve, args=(theirs, address, port))
    thread.start()
    try:
        with ours:
            yield ours
    finally:
        thread.join()
        theirs.close()


async def reverse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer only after the caller has said that it is done: needs a half-closed connection."""
    writer.write((await reader.read())[::-1])
    await writer.drain()
    writer.close()


async def ask_through(port: int, message: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(message)
    writer.write_eof()
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


def test_many_connections_at_once_with_half_closed_ends() -> None:
    async def scenario() -> list[bytes]:
        far = await asyncio.start_server(reverse, "127.0.0.1", 0)
        port = far.sockets[0].getsockname()[1]
        with dialing("127.0.0.1", port) as channel, socket.create_server(("127.0.0.1", 0)) as listener:
            carrying = asyncio.create_task(forward(listener, lambda: dialer.ask(channel), print))
            messages = [bytes([65 + n]) * 300_000 + b"end" for n in range(8)]
            near = listener.getsockname()[1]
            answers = await asyncio.gather(*(ask_through(near, message) for message in messages))
            carrying.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await carrying
            far.close()
            await far.wait_closed()
            assert answers == [message[::-1] for message in messages]
            return answers

    assert len(asyncio.run(scenario())) == 8


def test_a_target_that_refuses_is_reported_and_ends_the_connection() -> None:
    async def scenario() -> tuple[bytes, list[str]]:
        with socket.create_server(("127.0.0.1", 0)) as closed:
            port = closed.getsockname()[1]
        reasons: list[str] = []
        with dialing("127.0.0.1", port) as channel, socket.create_server(("127.0.0.1", 0)) as listener:
            carrying = asyncio.create_task(forward(listener, lambda: dialer.ask(channel), reasons.append))
            answer = await ask_through(listener.getsockname()[1], b"")
            carrying.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await carrying
            return answer, reasons

    answer, reasons = asyncio.run(scenario())
    assert answer == b""
    assert "refused" in reasons[0]


def test_a_dialer_that_is_gone_is_a_connection_error() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    theirs.close()
    with ours, pytest.raises(ConnectionError):
        dialer.ask(ours)


def test_what_comes_in_pieces_is_not_held_back() -> None:
    """Nagle's algorithm keeps the second piece until the first is acknowledged, which takes 40 ms.

    New connections are acknowledged at once for a while, so it takes some exchanges to show.
    """
    exchanges = 60

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(exchanges):
            await reader.readexactly(2)
            writer.write(b"c")
            await asyncio.sleep(0.001)
            writer.write(b"d")
        writer.close()

    async def ask(port: int) -> list[float]:
        loop = asyncio.get_running_loop()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        took = []
        for _ in range(exchanges):
            began = loop.time()
            writer.write(b"a")
            await asyncio.sleep(0.001)
            writer.write(b"b")
            await reader.readexactly(2)
            took.append(loop.time() - began)
        writer.close()
        await writer.wait_closed()
        return took

    async def scenario() -> list[float]:
        far = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = far.sockets[0].getsockname()[1]
        with dialing("127.0.0.1", port) as channel, socket.create_server(("127.0.0.1", 0)) as listener:
            carrying = asyncio.create_task(forward(listener, lambda: dialer.ask(channel), print))
            took = await ask(listener.getsockname()[1])
            carrying.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await carrying
            far.close()
            await far.wait_closed()
        return took

    took = asyncio.run(scenario())
    assert sorted(took)[exchanges // 2] < 0.02
