"""What is handed to a control plane: whether it went out is known, whatever becomes of the connection."""

import asyncio
import contextlib
import os
import socket
import struct
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec
import pytest

from seawall.host.server import Answer, Server
from seawall.program.messages import Carried, Done, ReadUsage, Refused, Reply, Request
from seawall.program.report import BalancerTraffic

PATIENCE_S = 10
SMALL = Carried(traffic=BalancerTraffic(id="eni-a", number=1, lines=("line",)))
LARGE = Carried(
    traffic=BalancerTraffic(id="eni-a", number=2, lines=("x" * 1000,) * 4000)
)  # no buffer holds it


async def refuse(request: Request) -> tuple[Reply, socket.socket | None]:
    raise LookupError(f"nobody asks here: {request}")


async def until(fact: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not fact():
        assert time.monotonic() < deadline
        await asyncio.sleep(0)


@contextlib.asynccontextmanager
async def connected(folder: Path) -> AsyncIterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as control_plane:
        control_plane.setblocking(False)
        there = os.open(folder, os.O_PATH)
        try:
            await asyncio.get_running_loop().sock_connect(control_plane, f"/proc/self/fd/{there}/s")
        finally:
            os.close(there)
        yield control_plane


@contextlib.asynccontextmanager
async def meeting(folder: Path, answer: Answer = refuse) -> AsyncIterator[tuple[Server, socket.socket]]:
    """A server and a control plane that is connected to it."""
    server = Server(folder / "s", answer, gone=lambda: None)
    serving = asyncio.create_task(server.serve())
    await until((folder / "s").exists)
    async with connected(folder) as control_plane:
        await until(lambda: server.connected)
        yield server, control_plane
    await until(lambda: not server.connected)
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)


def test_what_the_kernel_has_taken_is_handed_over(tmp_path: Path) -> None:
    async def test() -> None:
        async with meeting(tmp_path) as (server, control_plane):
            assert await asyncio.wait_for(server.hand(SMALL), PATIENCE_S)
            assert b"line" in await asyncio.get_running_loop().sock_recv(control_plane, 1000)

    asyncio.run(test())


def test_what_is_not_taken_is_not_handed_over_until_it_is(tmp_path: Path) -> None:
    async def test() -> None:
        async with meeting(tmp_path) as (server, control_plane):
            handing = asyncio.create_task(server.hand(LARGE))
            left = 4_000_000
            while left > 0:
                assert not handing.done()
                left -= len(await asyncio.get_running_loop().sock_recv(control_plane, 100_000))
            assert await asyncio.wait_for(handing, PATIENCE_S)

    asyncio.run(test())


def test_a_control_plane_that_hangs_up_has_not_got_what_it_did_not_read(tmp_path: Path) -> None:
    """Neither what was half sent nor what came after it."""

    async def test() -> None:
        async with meeting(tmp_path) as (server, control_plane):
            handing = [asyncio.create_task(server.hand(fact)) for fact in (LARGE, SMALL)]
            await asyncio.get_running_loop().sock_recv(control_plane, 100_000)
            control_plane.close()
            assert await asyncio.wait_for(asyncio.gather(*handing), PATIENCE_S) == [False, False]

    asyncio.run(test())


def test_nobody_gets_anything_where_nobody_is(tmp_path: Path) -> None:
    server = Server(tmp_path / "s", refuse, gone=lambda: None)
    assert not asyncio.run(server.hand(SMALL))


def test_a_fault_of_our_own_is_told_to_who_asked(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def fail(request: Request) -> tuple[Reply, socket.socket | None]:
        raise ValueError("odd")

    async def test() -> None:
        async with meeting(tmp_path, fail) as (_, control_plane):
            await ask(control_plane, 7)
            assert (await answer_to(control_plane)).body == Refused(text="ValueError('odd')")

    asyncio.run(test())
    assert "server.fault" in caplog.text


def test_an_answer_that_comes_late_is_not_told_to_the_next(tmp_path: Path) -> None:
    """Whose questions have the same numbers."""
    asked: list[int] = []
    late = asyncio.Event()

    async def answer(request: Request) -> tuple[Reply, socket.socket | None]:
        asked.append(request.number)
        if len(asked) == 1:
            await late.wait()
            return Reply(number=request.number, body=Refused(text="late")), socket.socket()
        return Reply(number=request.number, body=Done()), None

    async def test() -> None:
        async with meeting(tmp_path, answer) as (_, first):
            await ask(first, 1)
            await until(lambda: asked == [1])
            async with connected(tmp_path) as second:
                await until(lambda: first.fileno() >= 0 and _is_at_end(first))
                late.set()
                for _ in range(5):
                    await asyncio.sleep(0)
                await ask(second, 1)
                assert (await answer_to(second)).body == Done()

    asyncio.run(test())


def _is_at_end(connection: socket.socket) -> bool:
    try:
        return connection.recv(1) == b""
    except BlockingIOError:
        return False


async def ask(control_plane: socket.socket, number: int) -> None:
    frame = msgspec.msgpack.encode(Request(number=number, body=ReadUsage()))
    await asyncio.get_running_loop().sock_sendall(control_plane, struct.pack(">I", len(frame)) + frame)


async def answer_to(control_plane: socket.socket) -> Reply:
    said = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(control_plane, 1000), PATIENCE_S)
    return msgspec.msgpack.decode(said[4:], type=Reply)
