"""The agent killed at every step of a launch and of a removal: the next one ends up where it should be.

One container runs, started once; nothing else of it is on the host: no process, mount, group or file.
"""

import asyncio
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.world.agent_lab import (
    FOREVER,
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

LAUNCH = [
    "before:prepare",
    "after:prepare",
    "before:pull",
    "after:pull",
    "before:fetch",
    "spawn:skopeo",
    "after:fetch",
    "before:unpack",
    "after:unpack",
    "after:keep",
    "before:note",
    "after:note",
    "before:mount",
    "after:mount",
    "before:create",
    "spawn:conmon",
    "before:answer",
    "after:answer",
    "after:create",
    "before:start",
    "before:go",
    "after:go",
    "after:start",
]
REMOVAL = [
    "before:discard",
    "before:delete",
    "spawn:delete",
    "after:delete",
    "after:discard",
    "before:surroundings",
    "after:surroundings",
]


def groups_of(lab: AgentLab, path: str) -> list[Path]:
    return [group / path for group in world_cgroups(lab.world) if (group / path).exists()]


def stage_of(lab: AgentLab) -> Path:
    return (lab.state_dir / "run/stage").resolve()


@pytest.mark.parametrize("step", LAUNCH)
def test_a_launch_whose_agent_is_killed_is_done_once(step: str) -> None:
    async def test() -> None:
        async with agent_lab() as lab:
            await lab.kill_agent()
            lab.reports.clear()
            await lab.start_agent(dying_at=step)
            lab.apply(task(container("app", FOREVER)))
            await lab.agent_died()
            lab.reports.clear()
            await lab.start_agent()
            await lab.until_state("app", "running")
            await eventually(lambda: "up" in lab.output("app"), "app says up")
            assert lab.output("app") == ["up"], "it was started twice"
            assert len(commands_of(FOREVER, first=True)) == 1
            assert len([c for c in commands_of("t-app") if "conmon" in c[0]]) == 1
            assert not [c for c in commands_of("t-app") if "create" in c or "start" in c]
            assert not commands_of("skopeo")
            assert mounts_below(stage_of(lab) / "rootfs") == [str(stage_of(lab) / "rootfs/t-app")]
            scratch = lab.state_dir / "images/tmp"
            await eventually(lambda: not list(scratch.iterdir()), "nothing half-made is left of the image")

    asyncio.run(test())


@pytest.mark.parametrize(
    "step", ["before:pause", "spawn:conmon", "before:answer", "after:pause", "after:shared"]
)
def test_a_shared_process_namespace_is_made_once(step: str) -> None:
    async def test() -> None:
        async with agent_lab() as lab:
            await lab.kill_agent()
            lab.reports.clear()
            await lab.start_agent(dying_at=step)
            both = container("app", FOREVER), container("other", "true")
            lab.apply(replace(task(*both), shared_pids=True))
            await lab.agent_died()
            lab.reports.clear()
            await lab.start_agent()
            await lab.until_state("app", "running")
            await lab.until_state("other", "exited")
            assert len([c for c in commands_of("t-pause") if "conmon" in c[0]]) == 1
            assert len(commands_of("/dev/init", first=True)) == 1

    asyncio.run(test())


@pytest.mark.parametrize("step", REMOVAL)
def test_a_removal_whose_agent_is_killed_is_finished(step: str) -> None:
    async def test() -> None:
        async with agent_lab() as lab:
            lab.apply(task(container("app", FOREVER)))
            await lab.until_state("app", "running")
            await lab.kill_agent()
            await lab.start_agent(dying_at=step)
            await lab.until_state("app", "running")
            lab.apply()
            await lab.agent_died()
            await lab.start_agent()
            await eventually(lambda: not (lab.state_dir / "tasks/t").exists(), "the task is gone")
            assert not commands_of("t-app")
            assert not commands_of(FOREVER)
            assert not groups_of(lab, "t")
            assert not list((stage_of(lab) / "rootfs").iterdir())
            assert not list((stage_of(lab) / "files").iterdir())

    asyncio.run(test())
