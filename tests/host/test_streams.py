"""Who is cancelled over a connection, at any moment, leaves no descriptor that the loop goes on with."""

import asyncio
import contextlib
import os
import select
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
import uvloop
from tests.host.tls_server import Answer, Asked, https_server

from seawall.host.namespace_http import NamespaceHttp
from seawall.host.namespaces import Namespaces
from seawall.host.streams import open_stream

Run = Callable[[Coroutine[Any, Any, None]], None]
EACH_LOOP = pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
MOST_TURNS = 200  # of the loop; a handshake over loopback takes a dozen


def say_nothing(asked: Asked) -> Answer:
    raise AssertionError(asked)


async def is_readable(descriptor: int) -> None:
    """Return when the loop has heard that it can be read."""
    readable = asyncio.Event()
    asyncio.get_running_loop().add_reader(descriptor, readable.set)
    try:
        await asyncio.wait_for(readable.wait(), 5)
    finally:
        asyncio.get_running_loop().remove_reader(descriptor)


async def use_numbers() -> None:
    """Open what takes the lowest free numbers, and wait for each as one waits for a process."""
    read, write = os.pipe()
    os.write(write, b".")
    copies = [read, *(os.dup(read) for _ in range(8))]
    try:
        for descriptor in copies:
            await is_readable(descriptor)
    finally:
        for descriptor in (*copies, write):
            os.close(descriptor)


async def cancel_at_every_turn(begin: Callable[[], Awaitable[object]]) -> int:
    """Cancel it after one turn of the loop, after two, ... until it is done by then; returns how often."""
    for turns in range(MOST_TURNS):
        work = asyncio.ensure_future(begin())
        for _ in range(turns):
            await asyncio.sleep(0)
        if work.done():
            await work
            return turns
        work.cancel()
        await asyncio.wait([work])
        await use_numbers()
    raise AssertionError("it is never done")


def connected(host: str) -> socket.socket:
    address, _, port = host.partition(":")
    connection = socket.create_connection((address, int(port)))
    connection.setblocking(False)
    return connection


@EACH_LOOP
@pytest.mark.parametrize("secure", [True, False])
def test_one_that_is_cancelled_over_it_closes_it_for_good(tmp_path: Path, secure: bool, run: Run) -> None:
    async def test() -> None:
        async with https_server(tmp_path, say_nothing) as (host, ca):
            tls = ssl.create_default_context(cafile=str(ca))

            async def begin() -> None:
                connection = connected(host)
                name = "127.0.0.1" if secure else None
                _, writer = await open_stream(connection, tls=tls if secure else None, server_hostname=name)
                writer.transport.abort()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()

            assert await cancel_at_every_turn(begin) > (5 if secure else 1)

    run(test())


@EACH_LOOP
@pytest.mark.parametrize("secure", [True, False])
def test_one_that_was_reset_before_is_closed_once(secure: bool, run: Run) -> None:
    """As by a control plane that is killed.  Its number is soon another's."""

    async def test() -> None:
        connection = reset_connection()
        with pytest.raises(OSError, match="reset"):
            tls = ssl.create_default_context() if secure else None
            reader, _ = await open_stream(
                connection, tls=tls, server_hostname="127.0.0.1" if secure else None
            )
            await reader.read()
        for _ in range(5):
            await asyncio.sleep(0)
        assert connection.fileno() < 0

    run(test())


def reset_connection() -> socket.socket:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        connection = socket.create_connection(listener.getsockname())
        accepted, _ = listener.accept()
        accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        accepted.close()
    events = select.poll()
    events.register(connection, 0)
    assert events.poll(5000)
    connection.setblocking(False)
    return connection


@EACH_LOOP
def test_a_request_can_be_given_up_at_any_moment(tmp_path: Path, run: Run) -> None:
    """As when a task is stopped while it is being launched."""

    async def test() -> None:
        async with https_server(tmp_path, lambda asked: (200, {}, b"")) as (host, ca):
            http = NamespaceHttp(Namespaces(tmp_path / "run"), ca)
            await cancel_at_every_turn(lambda: http.request(None, (), "GET", f"https://{host}/", {}))

    run(test())


@EACH_LOOP
def test_a_socket_that_cannot_become_a_stream_is_closed(tmp_path: Path, run: Run) -> None:
    async def test() -> None:
        async with https_server(tmp_path, say_nothing) as (host, _):
            connection = connected(host)
            with pytest.raises(ssl.SSLCertVerificationError):
                await open_stream(connection, tls=ssl.create_default_context(), server_hostname="127.0.0.1")
            assert connection.fileno() < 0

    run(test())
