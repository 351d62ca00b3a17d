"""What is handed to a control plane: whether it went out is known, whatever becomes of the connection."""

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from seawall.host.server import Server
from seawall.program.messages import Carried, Reply, Request
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
async def meeting(folder: Path) -> AsyncIterator[tuple[Server, socket.socket]]:
    """A server and a control plane that is connected to it."""
    server = Server(folder / "s", refuse, gone=lambda: None)
    serving = asyncio.create_task(server.serve())
    with socket.socket(socket.AF_UNIX) as control_plane:
        control_plane.setblocking(False)
        await until((folder / "s").exists)
        there = os.open(folder, os.O_PATH)
        try:
            await asyncio.get_running_loop().sock_connect(control_plane, f"/proc/self/fd/{there}/s")
        finally:
            os.close(there)
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
