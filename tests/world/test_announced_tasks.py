"""A task that is told ahead of its program is made ready, and not created or started before that comes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from msgspec.structs import replace
from tests.world.agent_lab import (
    FOREVER,
    NETWORK,
    AgentLab,
    agent_lab,
    commands_of,
    container,
    eventually,
    mounts_below,
    task,
)

from seawall.host.cgroup import world_cgroups

pytestmark = pytest.mark.world

APP = task(container("app", FOREVER))
SERVER, MADE_FOR_IT = NETWORK.namespaces
(LINK,) = NETWORK.links
WITHOUT = replace(NETWORK, namespaces=(SERVER,), links=())
BEFORE = replace(
    NETWORK,
    namespaces=(SERVER, replace(MADE_FOR_IT, name="task-before")),
    links=(replace(LINK, host=replace(LINK.host, namespace="task-before")),),
)


@asynccontextmanager
async def known_lab() -> AsyncIterator[AgentLab]:
    """One in which the image is there, and neither the task nor its namespace."""
    async with agent_lab() as lab:
        lab.apply(replace(APP, namespace="task-before"), network=BEFORE)
        await lab.until_state("app", "running")
        lab.apply(network=WITHOUT)
        await until_gone(lab)
        lab.reports.clear()
        yield lab


async def until_gone(lab: AgentLab) -> None:
    await eventually(lambda: not (lab.state_dir / "tasks/t").exists(), "the task is gone")
    assert_nothing_left(lab)


def assert_nothing_left(lab: AgentLab) -> None:
    assert not commands_of("t-app")
    assert not commands_of(FOREVER)
    assert not [group for group in world_cgroups(lab.world) if (group / "t").exists()]
    assert not mounts_below((lab.state_dir / "run/stage").resolve() / "rootfs")


def monitors() -> list[list[str]]:
    return [command for command in commands_of("t-app") if "conmon" in command[0]]


async def until_ready(lab: AgentLab) -> None:
    """All is there that needs no network, and nothing of the container itself."""
    await eventually(lambda: (lab.state_dir / "tasks/t/app/config.json").exists(), "its bundle is written")
    await eventually(lambda: len(monitors()) == 1, "its monitor waits")
    assert not (lab.state_dir / "run/stage/runtime/t-app").exists()
    assert not commands_of(FOREVER)


async def until_runs_once(lab: AgentLab) -> None:
    await lab.until_state("app", "running")
    await eventually(lambda: "up" in lab.output("app"), "app says up")
    assert lab.output("app") == ["up"], "it was started twice"
    assert len(commands_of(FOREVER, first=True)) == 1
    assert len(monitors()) == 1


def test_its_program_finds_it_ready() -> None:
    async def test() -> None:
        async with known_lab() as lab:
            lab.announce(APP)
            await until_ready(lab)
            lab.apply(APP)
            await until_runs_once(lab)

    asyncio.run(test())


def test_a_program_without_it_ends_it() -> None:
    async def test() -> None:
        async with known_lab() as lab:
            lab.announce(APP)
            await until_ready(lab)
            lab.apply(network=WITHOUT)
            await until_gone(lab)

    asyncio.run(test())


def test_a_program_from_before_it_was_told_of_does_not() -> None:
    async def test() -> None:
        async with known_lab() as lab:
            lab.announce(APP, ahead=2)
            await until_ready(lab)
            (before,) = monitors()
            lab.apply(network=replace(WITHOUT, zones=()))
            await lab.in_force()
            assert monitors() == [before]
            assert not commands_of(FOREVER)
            lab.apply(APP)
            await until_runs_once(lab)

    asyncio.run(test())


def test_what_its_program_has_overtaken_begins_nothing() -> None:
    async def test() -> None:
        async with known_lab() as lab:
            lab.announce(APP, ahead=0)
            lab.apply(network=replace(WITHOUT, zones=()))
            await lab.in_force()
            assert not (lab.state_dir / "tasks/t").exists()

    asyncio.run(test())


@pytest.mark.parametrize("names", [True, False])
@pytest.mark.parametrize("step", ["before:prepare", "after:prepare", None])
def test_an_agent_killed_over_it_leaves_nothing_or_what_its_program_wants(
    step: str | None, names: bool
) -> None:
    """None: when all is ready."""

    async def test() -> None:
        async with known_lab() as lab:
            if step is None:
                lab.announce(APP)
                await until_ready(lab)
                await lab.kill_agent()
            else:
                await lab.kill_agent()
                await lab.start_agent(dying_at=step)
                await lab.link.connected()
                lab.announce(APP)
                await lab.agent_died()
            await lab.start_agent()
            await lab.link.connected()
            assert_nothing_left(lab)
            if names:
                lab.apply(APP)
                await until_runs_once(lab)
            else:
                lab.apply(network=WITHOUT)
                await lab.in_force()
                await until_gone(lab)

    asyncio.run(test())
