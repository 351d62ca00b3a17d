"""Containers that wait for each other, are looked after, are started again, and share folders."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from msgspec.structs import replace
from tests.world.agent_lab import AgentLab, agent_lab, container, task

from seawall.program.task import Dependency, HealthCheck, Mount, RestartPolicy

pytestmark = pytest.mark.world

FOREVER = "trap 'exit 0' TERM; echo up; while :; do sleep 1 & wait $!; done"


def in_lab(test: Callable[[AgentLab], Awaitable[None]]) -> None:
    async def run() -> None:
        async with agent_lab() as lab:
            await test(lab)

    asyncio.run(run())


def on(name: str, condition: Any) -> tuple[Dependency, ...]:
    return (Dependency(container=name, condition=condition),)


def looked_at(command: str, *, timeout_s: int = 20, retries: int) -> HealthCheck:
    return HealthCheck(command=("CMD-SHELL", command), interval_s=1, timeout_s=timeout_s, retries=retries)


def test_one_waits_until_the_other_has_ended_well() -> None:
    async def test(lab: AgentLab) -> None:
        first = container("first", "sleep 0.3; echo done")
        then = container("then", "echo up", depends_on=on("first", "SUCCESS"))
        lab.apply(task(then, first))
        later = await lab.until_state("then", "exited")
        earlier = lab.now("first")
        assert later.started_at is not None
        assert earlier.finished_at is not None
        assert later.started_at >= earlier.finished_at

    in_lab(test)


def test_one_that_waits_for_success_fails_with_the_other_and_so_does_who_waits_for_it() -> None:
    async def test(lab: AgentLab) -> None:
        bad = container("bad", "exit 3")
        middle = container("middle", "echo never", depends_on=on("bad", "SUCCESS"))
        last = container("last", "echo never", depends_on=on("middle", "START"))
        free = container("free", FOREVER)
        lab.apply(task(bad, middle, last, free))
        failed = await lab.until_state("last", "failed")
        assert failed.failure is not None
        assert failed.failure.step == "dependency"
        assert "will never start" in failed.failure.text
        failure = lab.now("middle").failure
        assert failure is not None
        assert "did not exit successfully" in failure.text
        assert lab.now("free").state == "running"
        assert lab.output("middle") == []

    in_lab(test)


def test_health_is_looked_after_in_the_container_and_lets_others_start() -> None:
    async def test(lab: AgentLab) -> None:
        script = f"sleep 1.5; echo well > /tmp/health; {FOREVER}"
        check = looked_at("cat /tmp/health || exit 1", retries=10)
        sick = container("db", script, health_check=check)
        app = container("app", "echo up", depends_on=on("db", "HEALTHY"))
        lab.apply(task(sick, app))
        await lab.until_state("app", "exited")
        health = lab.now("db").health
        assert health is not None
        assert (health.status, health.exit_code, health.output) == ("HEALTHY", 0, "well\n")

    in_lab(test)


def test_a_check_that_fails_or_hangs_makes_unhealthy_and_stops_nothing() -> None:
    async def test(lab: AgentLab) -> None:
        fails = container("fails", FOREVER, health_check=looked_at("echo no; exit 2", retries=2))
        hangs = container("hangs", FOREVER, health_check=looked_at("sleep 1000", timeout_s=1, retries=1))
        lab.apply(task(fails, hangs))
        both = ("fails", "hangs")
        await lab.until(lambda: {_status(lab, name) for name in both} == {"UNHEALTHY"}, "both are unhealthy")
        health = lab.now("hangs").health
        assert health is not None
        assert health.output == "Health check exceeded timeout (1s)"
        assert lab.now("fails").state == lab.now("hangs").state == "running"
        await lab.kill_agent()
        await lab.start_agent()
        lab.apply(task(replace(fails, desired="stopped"), replace(hangs, desired="stopped")))
        await lab.until_state("hangs", "exited")

    in_lab(test)


def _status(lab: AgentLab, name: str) -> str | None:
    health = lab.now(name).health
    return None if health is None else health.status


def test_a_restart_keeps_the_files_and_counts() -> None:
    script = "echo $(( $(cat /tmp/n 2>/dev/null || echo 0) + 1 )) > /tmp/n; cat /tmp/n; sleep 0.1; exit 5"

    async def test(lab: AgentLab) -> None:
        policy = RestartPolicy(attempt_period_s=0)
        again = container("again", script, restart_policy=policy)
        slow = container("slow", "sleep 2; exit 5", restart_policy=replace(policy, attempt_period_s=1))
        quick = container("quick", "exit 5", restart_policy=replace(policy, attempt_period_s=60))
        lenient = replace(policy, ignored_exit_codes=(5,))
        excused = container("excused", "exit 5", restart_policy=lenient)
        every = (again, slow, quick, excused)
        lab.apply(task(*every))
        await lab.until_state("quick", "exited")
        await lab.until_state("excused", "exited")
        await lab.until(lambda: lab.now("again").restarts >= 2, "it was started twice again")
        await lab.until(lambda: lab.now("slow").restarts >= 1, "it was started again")
        assert lab.now("quick").restarts == lab.now("excused").restarts == 0
        assert lab.output("again")[:2] == ["1", "2"]
        lab.apply(task(*(replace(c, desired="stopped") for c in every)))
        await lab.until_state("again", "exited")

    in_lab(test)


def test_volumes_are_shared_and_read_only_where_that_is_asked() -> None:
    async def test(lab: AgentLab) -> None:
        writes = container("writes", "echo hello > /data/greeting", mounts=(Mount(volume="v", path="/data"),))
        reads = container(
            "reads",
            "cat /in/greeting; (echo no > /in/other) 2>/dev/null || echo refused",
            mounts=(Mount(volume="v", path="/in", read_only=True),),
            depends_on=on("writes", "SUCCESS"),
        )
        lab.apply(replace(task(writes, reads), volumes=("v",)))
        await lab.until_state("reads", "exited")
        assert lab.output("reads") == ["hello", "refused"]

    in_lab(test)
