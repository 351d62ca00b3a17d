"""A container is created as early as it may be, and asked for and started no earlier than its network."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from seawall.host.container import Container
from seawall.host.failure import FailedStep
from seawall.host.ground import Ground
from seawall.host.images import Image
from seawall.host.namespace_http import NamespaceHttp
from seawall.host.namespaces import Namespaces
from seawall.program.report import Failure
from seawall.program.task import ContainerProgram, ImageSource, TaskProgram

KNOWN = Image("sha256:known", {}, ())
OTHER = Image("sha256:other", {}, ())


class Watched(Container):
    """Writes down what it is told to do instead of doing it."""

    said: list[str]
    answer: Image | FailedStep
    creation: asyncio.Event

    async def _create(self, image: Image, stands: Callable[[], Awaitable[None]]) -> None:
        await stands()
        self.said.append(f"create {image.digest}")
        self._record.touched = True
        await self.creation.wait()
        self.said.append("created")

    async def _pull(self, login: object) -> Image:
        self.said.append("pull")
        if isinstance(self.answer, FailedStep):
            raise self.answer
        return self.answer

    async def _discard(self) -> None:
        self.said.append("discard")


def container(tmp_path: Path, *, known: bool = True, **members: Any) -> Watched:
    images = SimpleNamespace(newest=lambda source: KNOWN if known else None)
    host = cast(Any, SimpleNamespace(images=images, conmon=None, cgroups=None, stage=tmp_path))
    program = ContainerProgram(name="app", runtime_id="t-app", image=ImageSource(reference="app"), **members)
    task = TaskProgram(
        id="t", namespace="task-t", hostname="", hosts="", resolv_conf="", cpu_quota=1, memory_bytes=1,
        containers=(program,),
    )  # fmt: skip
    made = Watched(host, task, program, tmp_path / "app", cast(Any, None), None, lambda: None)
    made.said, made.answer, made.creation = [], KNOWN, asyncio.Event()
    made.creation.set()
    return made


async def nothing() -> Any:
    return {}


async def settle() -> None:
    """Let everybody go as far as they can."""
    for _ in range(20):
        await asyncio.sleep(0)


def launch(
    made: Callable[[], Watched], story: Callable[[Watched, Ground, "asyncio.Task[None]"], Awaitable[None]]
) -> None:
    async def tell() -> None:
        ground, watched = Ground(), made()
        ground.grouped.set()
        await story(watched, ground, asyncio.create_task(watched.make_ready(ground, nothing, nothing)))

    asyncio.run(tell())


def test_a_known_image_is_created_as_soon_as_the_namespace_stands(tmp_path: Path) -> None:
    async def story(watched: Watched, ground: Ground, ready: "asyncio.Task[None]") -> None:
        await settle()
        assert watched.said == []
        ground.made.set()
        await settle()
        assert watched.said == ["create sha256:known", "created"]
        assert not ready.done()  # nothing is asked and nothing is ready before the network is in force
        ground.put_in_force()
        await ready
        assert watched.said == ["create sha256:known", "created", "pull"]
        assert watched.report.state == "created"

    launch(lambda: container(tmp_path), story)


def test_no_container_is_created_before_its_task_has_its_groups(tmp_path: Path) -> None:
    async def story(watched: Watched, ground: Ground, ready: "asyncio.Task[None]") -> None:
        ground.grouped.clear()
        ground.put_in_force()
        await settle()
        assert watched.said == ["pull"]
        ground.grouped.set()
        await ready
        assert watched.said == ["pull", "create sha256:known", "created"]

    launch(lambda: container(tmp_path), story)


@pytest.mark.parametrize("members", [{"known": False}, {"sysctls": (("net.core.somaxconn", "9"),)}])
def test_what_cannot_be_created_ahead_waits_for_the_network(tmp_path: Path, members: dict[str, Any]) -> None:
    async def story(watched: Watched, ground: Ground, ready: "asyncio.Task[None]") -> None:
        ground.made.set()
        await settle()
        assert watched.said == []
        ground.put_in_force()
        await ready
        assert sorted(watched.said) == ["create sha256:known", "created", "pull"]

    launch(lambda: container(tmp_path, **members), story)


def test_it_is_made_again_when_the_registry_names_another_image(tmp_path: Path) -> None:
    async def story(watched: Watched, ground: Ground, ready: "asyncio.Task[None]") -> None:
        watched.answer = OTHER
        ground.put_in_force()
        await ready
        assert watched.said[-3:] == ["discard", "create sha256:other", "created"]

    launch(lambda: container(tmp_path), story)


def test_it_is_unmade_when_the_registry_refuses(tmp_path: Path) -> None:
    async def story(watched: Watched, ground: Ground, ready: "asyncio.Task[None]") -> None:
        watched.answer = FailedStep(Failure(step="pull", cause="denied", text="no"))
        ground.made.set()
        await settle()
        ground.put_in_force()
        with pytest.raises(FailedStep):
            await ready
        assert watched.said == ["create sha256:known", "created", "pull", "discard"]
        assert watched.report.state != "created"

    launch(lambda: container(tmp_path), story)


def test_a_launch_given_up_before_its_network_leaves_no_creation_behind(tmp_path: Path) -> None:
    async def story(watched: Watched, ground: Ground, ready: "asyncio.Task[None]") -> None:
        watched.creation.clear()
        ground.made.set()
        await settle()
        ready.cancel()
        await settle()
        assert not ready.done()  # what is being made is waited for, so that it can be unmade
        watched.creation.set()
        with pytest.raises(asyncio.CancelledError):
            await ready
        assert watched.said == ["create sha256:known", "created"]
        await watched.stop()
        assert watched.said[-1] == "discard"

    launch(lambda: container(tmp_path), story)


def test_a_connection_made_ahead_is_used_once_and_one_that_failed_is_made_again(tmp_path: Path) -> None:
    async def test() -> None:
        connections: list[str] = []
        expected = asyncio.Event()

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            connections.append("one")
            expected.set()
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            await writer.drain()
            writer.close()

        namespaces = Namespaces(tmp_path / "run")
        http = NamespaceHttp(namespaces, None)
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        url = f"http://127.0.0.1:{port}/x"
        http.expect(None, (), url)
        await expected.wait()
        for count in (1, 2):
            assert (await http.request(None, (), "GET", url, {})).body == b"ok"
            assert len(connections) == count
        server.close()
        await server.wait_closed()
        http.expect(None, (), url)
        await settle()
        again = await asyncio.start_server(answer, "127.0.0.1", port)
        assert (await http.request(None, (), "GET", url, {})).body == b"ok"
        again.close()
        await again.wait_closed()
        namespaces.close()

    asyncio.run(test())
