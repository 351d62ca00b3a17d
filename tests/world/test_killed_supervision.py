"""The agent killed while containers wait for each other, are looked after, are started again, or are stopped.

What was done is not done twice, what was begun is finished, and what is said of it is true.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.world.agent_lab import (
    FOREVER,
    REGISTRY,
    SECRET,
    AgentLab,
    agent_lab,
    commands_of,
    container,
    eventually,
    task,
)

from seawall.host.container_record import read_record
from seawall.program.task import Credentials, Dependency, HealthCheck, Mount, RestartPolicy, SecretSource

pytestmark = pytest.mark.world

VOLUME = (Mount(volume="v", path="/v"),)
RESTART = [
    "before:restart",
    "before:delete",
    "spawn:delete",
    "after:delete",
    "before:create",
    "spawn:conmon",
    "before:answer",
    "after:answer",
    "after:create",
    "before:start",
    "before:go",
    "after:go",
    "after:start",
    "after:restart",
]


def in_lab(test: Callable[[AgentLab], Awaitable[None]]) -> None:
    async def run() -> None:
        async with agent_lab() as lab:
            await test(lab)

    asyncio.run(run())


async def again(lab: AgentLab, dying_at: str | None = None) -> None:
    lab.reports.clear()
    await lab.start_agent(dying_at)


def volume(lab: AgentLab) -> Path:
    return lab.state_dir / "tasks/t/+volumes/v"


def lines(file: Path) -> list[str]:
    return file.read_text().splitlines() if file.exists() else []


@pytest.mark.parametrize("step", RESTART)
def test_a_restart_whose_agent_is_killed_is_done_once(step: str) -> None:
    script = f"""
        echo run >> /v/runs
        [ $(wc -l < /v/runs) = 1 ] || {{ {FOREVER}; }}
        until [ -e /v/go ]; do sleep 0.05; done
        exit 5"""

    async def test(lab: AgentLab) -> None:
        policy = RestartPolicy(attempt_period_s=0)
        app = container("app", script, mounts=VOLUME, restart_policy=policy)
        lab.apply(replace(task(app), volumes=("v",)))
        await lab.until_state("app", "running")
        await lab.kill_agent()
        await again(lab, step)
        await lab.until_state("app", "running")
        (volume(lab) / "go").touch()
        await lab.agent_died()
        await again(lab)
        await lab.until(lambda: lab.now("app").restarts == 1, "it was started again")
        await eventually(lambda: "up" in lab.output("app"), "it says up")
        assert lab.now("app").state == "running"
        assert lines(volume(lab) / "runs") == ["run", "run"]
        assert lab.output("app") == ["up"]
        assert len([c for c in commands_of("t-app") if "conmon" in c[0]]) == 1
        lab.apply(replace(task(replace(app, desired="stopped")), volumes=("v",)))
        assert (await lab.until_state("app", "exited")).exit_code == 0

    in_lab(test)


def test_what_ended_too_early_is_not_started_again_however_late_that_is_found_out() -> None:
    async def test(lab: AgentLab) -> None:
        script = "until [ -e /v/go ]; do sleep 0.05; done; exit 5"
        policy = RestartPolicy(attempt_period_s=60)
        app = container("app", script, mounts=VOLUME, restart_policy=policy)
        lab.apply(replace(task(app), volumes=("v",)))
        await lab.until_state("app", "running")
        await lab.kill_agent()
        (volume(lab) / "go").touch()
        end = lab.state_dir / "run/stage/exits/t-app"
        await eventually(end.exists, "its end is noted")
        folder = lab.state_dir / "tasks/t/app"
        record = read_record(folder)
        assert record is not None
        record.began -= 3600  # as if all of that had been an hour ago
        record.save(folder)
        os.utime(end, (record.began + 1, record.began + 1))
        await again(lab)
        found = await lab.until_state("app", "exited")
        assert (found.exit_code, found.restarts) == (5, 0)
        assert found.finished_at == pytest.approx(record.began + 1)

    in_lab(test)


@pytest.mark.parametrize("step", ["before:signal", "after:signal", "before:exited", "after:exited"])
def test_a_stop_whose_agent_is_killed_is_finished(step: str) -> None:
    async def test(lab: AgentLab) -> None:
        app = container("app", FOREVER)
        lab.apply(task(app))
        await lab.until_state("app", "running")
        await lab.kill_agent()
        await again(lab, step)
        await lab.until_state("app", "running")
        lab.apply(task(replace(app, desired="stopped")))
        await lab.agent_died()
        await again(lab)
        assert (await lab.until_state("app", "exited")).exit_code == 0
        assert not commands_of("t-app")
        assert not commands_of(FOREVER)

    in_lab(test)


@pytest.mark.parametrize("step", ["spawn:exec", "while it runs"])
def test_a_look_whose_agent_is_killed_ends_and_another_is_taken(step: str) -> None:
    async def test(lab: AgentLab) -> None:
        command = ("CMD-SHELL", "[ -e /v/well ] || sleep 1234")
        check = HealthCheck(command=command, interval_s=1, timeout_s=60)
        app = container("app", FOREVER, mounts=VOLUME, health_check=check)
        wanted = replace(task(app), volumes=("v",))
        await lab.kill_agent()
        if step == "spawn:exec":
            await again(lab, step)
            lab.apply(wanted)
            await lab.agent_died()
        else:
            await again(lab)
            lab.apply(wanted)
            await eventually(lambda: ["sleep", "1234", ""] in commands_of("1234"), "a look is under way")
            await lab.kill_agent()
        await again(lab)
        await lab.until_state("app", "running")
        await eventually(lambda: ["sleep", "1234", ""] in commands_of("1234"), "another is under way")
        assert commands_of("1234").count(["sleep", "1234", ""]) == 1
        (volume(lab) / "well").touch()
        await lab.kill_agent()
        await again(lab)
        await lab.until(lambda: _status(lab) == "HEALTHY", "it is healthy")
        assert not commands_of("1234")

    in_lab(test)


def _status(lab: AgentLab) -> str | None:
    health = lab.now("app").health
    return health and health.status


def test_one_that_waits_when_the_agent_is_killed_starts_when_it_may() -> None:
    async def test(lab: AgentLab) -> None:
        waits = "until [ -e /v/go ]; do sleep 0.05; done; echo done"
        first = container("first", waits, mounts=VOLUME)
        on_first = (Dependency(container="first", condition="SUCCESS"),)
        app = container("app", FOREVER, depends_on=on_first)
        await lab.kill_agent()
        await again(lab, "before:wait")
        lab.apply(replace(task(app, first), volumes=("v",)))
        await lab.agent_died()
        await again(lab)
        await lab.until_state("app", "created")
        (volume(lab) / "go").touch()
        await lab.until_state("app", "running")
        await eventually(lambda: "up" in lab.output("app"), "app says up")
        assert (lab.output("first"), lab.output("app")) == (["done"], ["up"])
        assert len(commands_of(FOREVER, first=True)) == 1

    in_lab(test)


STEPS = ["make volumes", "fill volumes", "secrets"]


@pytest.mark.parametrize("step", [f"{when}:{name}" for name in STEPS for when in ("before", "after")])
def test_what_a_launch_needs_first_is_there_after_all(step: str) -> None:
    async def test(lab: AgentLab) -> None:
        key = Credentials(access_key_id="AKIA", secret_access_key="s", session_token="t")
        source = SecretSource(
            service="secretsmanager", endpoint=REGISTRY, region="us-east-1", id="s", credentials=key
        )
        script = f"echo run >> /v/runs; echo $WORD; {FOREVER}"
        app = container("app", script, mounts=VOLUME, secrets=(("WORD", source),))
        await lab.kill_agent()
        await again(lab, step)
        lab.apply(replace(task(app), volumes=("v",)))
        await lab.agent_died()
        await again(lab)
        await lab.until_state("app", "running")
        await eventually(lambda: "up" in lab.output("app"), "app says up")
        assert lab.output("app") == [SECRET, "up"]
        assert lines(volume(lab) / "runs") == ["run"]

    in_lab(test)


@pytest.mark.parametrize(
    "step", ["after:answer", "after:create", "before:start", "before:go", "after:go", "after:start"]
)
def test_all_share_one_process_namespace_after_all(step: str) -> None:
    async def test(lab: AgentLab) -> None:
        await lab.kill_agent()
        await again(lab, step)
        lab.apply(replace(task(container("one", FOREVER), container("two", FOREVER)), shared_pids=True))
        await lab.agent_died()
        await again(lab)
        for name in ("one", "two"):
            await lab.until_state(name, "running")
        assert len(_process_namespaces(lab, "+pause", "one", "two")) == 1
        assert len(commands_of("/dev/init")) == 1
        for name in ("one", "two"):
            await eventually(lambda name=name: "up" in lab.output(name), "it says up")
            assert lab.output(name) == ["up"]

    in_lab(test)


def _process_namespaces(lab: AgentLab, *names: str) -> set[Path]:
    pids = [(lab.state_dir / "tasks/t" / name / "pid").read_text() for name in names]
    return {Path(f"/proc/{pid}/ns/pid").readlink() for pid in pids}


@pytest.mark.parametrize("step", ["before:end pause", "after:end pause", "before:surroundings"])
def test_a_shared_process_namespace_ends_with_its_task(step: str) -> None:
    async def test(lab: AgentLab) -> None:
        lab.apply(replace(task(container("one", FOREVER), container("two", FOREVER)), shared_pids=True))
        for name in ("one", "two"):
            await lab.until_state(name, "running")
        await lab.kill_agent()
        await again(lab, step)
        await lab.until_state("one", "running")
        lab.apply()
        await lab.agent_died()
        await again(lab)
        await eventually(lambda: not (lab.state_dir / "tasks/t").exists(), "the task is gone")
        assert not commands_of("/dev/init")
        assert not commands_of(FOREVER)

    in_lab(test)
