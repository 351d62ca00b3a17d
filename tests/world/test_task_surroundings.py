"""What a task's definition says of its surroundings, as a container finds it: processes, disk, user."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.world.agent_lab import AgentLab, agent_lab, container, eventually, task

from seawall.host.conmon import start_time
from seawall.program.task import Mount, Ulimit

pytestmark = pytest.mark.world

FOREVER = "trap 'exit 0' TERM; echo up; while :; do sleep 1 & wait $!; done"


def in_lab(test: Callable[[AgentLab], Awaitable[None]]) -> None:
    async def run() -> None:
        async with agent_lab() as lab:
            await test(lab)

    asyncio.run(run())


def test_containers_of_one_process_namespace_see_and_outlive_each_other() -> None:
    async def test(lab: AgentLab) -> None:
        quiet = container("quiet", f"sleep 98765 & {FOREVER}")
        looks = container(
            "looks",
            "until ps | grep -q 'sleep 9876[5]'; do sleep 0.1; done; echo seen; "
            "until ! ps | grep -q 'sleep 9876[5]'; do sleep 0.1; done; echo gone; "
            "ps | head -2 | tail -1 | grep -c -- -P; kill -0 1 && echo one",
        )
        shared = replace(task(quiet, looks), shared_pids=True)
        lab.apply(shared)
        await lab.until_state("quiet", "running")
        await lab.until(lambda: lab.now("looks").state == "running", "it looks")
        await eventually(lambda: lab.output("looks") == ["seen"], "it sees the other's process")
        os.kill(int((lab.state_dir / "tasks/t/quiet/pid").read_text()), 15)
        await lab.until_state("quiet", "exited")
        assert (await lab.until_state("looks", "exited")).exit_code == 0
        assert lab.output("looks") == ["seen", "gone", "1", "one"]

    in_lab(test)


def test_a_killed_agent_leaves_a_shared_process_namespace_to_the_next() -> None:
    async def test(lab: AgentLab) -> None:
        one, two = container("one", FOREVER), container("two", FOREVER)
        lab.apply(replace(task(one, two), shared_pids=True))
        await lab.until_state("one", "running")
        await lab.until_state("two", "running")
        pause = int((lab.state_dir / "tasks/t/+pause/pid").read_text())
        await lab.kill_agent()
        await lab.start_agent()
        lab.reports.clear()
        await lab.until_state("one", "running")
        assert _process_namespace(pause) == _process_namespace(_first(lab, "one"))
        lab.apply()
        await lab.in_force()
        await eventually(lambda: not (lab.state_dir / "tasks/t").exists(), "the task is gone")
        assert start_time(pause) is None

    in_lab(test)


def _first(lab: AgentLab, name: str) -> int:
    return int((lab.state_dir / "tasks/t" / name / "pid").read_text())


def _process_namespace(pid: int) -> str:
    return str(Path(f"/proc/{pid}/ns/pid").readlink())


def test_a_task_that_has_used_up_its_storage_is_ended_and_that_is_told_apart() -> None:
    async def test(lab: AgentLab) -> None:
        fills = container(
            "fills",
            f"head -c 6000000 /dev/zero > /data/a; head -c 6000000 /dev/zero > /tmp/b; {FOREVER}",
            mounts=(Mount(volume="v", path="/data"),),
        )
        bystander = container("bystander", FOREVER)
        lab.apply(replace(task(fills, bystander), volumes=("v",), storage_bytes=10 << 20))
        for name in ("fills", "bystander"):
            ended = await lab.until_state(name, "exited")
            assert (ended.exit_code, ended.out_of_storage) == (137, True)

    in_lab(test)


def test_user_rights_limits_and_root_are_as_defined() -> None:
    async def test(lab: AgentLab) -> None:
        said = container(
            "said",
            "id -u; id -g; ulimit -n; cat /proc/sys/net/core/somaxconn; "
            "grep -c '^CapEff:.0*0$' /proc/self/status; "
            "(echo x > /file) 2>/dev/null || echo refused; hostname; tail -1 /etc/hosts",
            user="1000:1001",
            ulimits=(Ulimit(name="nofile", soft=512, hard=1024),),
            sysctls=(("net.core.somaxconn", "321"),),
            read_only_root=True,
        )
        adopts = container(
            "adopts", "ps | head -2 | tail -1 | grep -c -- -- ; tty -s && echo terminal", init=True, tty=True
        )
        lab.apply(task(said, adopts))
        await lab.until_state("said", "exited")
        await lab.until_state("adopts", "exited")
        host = "ip-10-99-0-2.ec2.internal"
        assert lab.output("said") == ["1000", "1001", "512", "321", "1", "refused", host, f"10.99.0.2 {host}"]
        assert [line.strip() for line in lab.output("adopts")] == ["1", "terminal"]

    in_lab(test)
