"""Real containers under a real agent: what they may, how they end, and that nothing is left of them."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from tests.world.agent_lab import PATIENCE_S, AgentLab, agent_lab, container, eventually, task

from seawall.host.cgroup import world_cgroups
from seawall.program.task import ContainerLimits, ContainerProgram, Dependency, TaskProgram

pytestmark = pytest.mark.world

FOREVER = "trap 'exit 0' TERM; echo up; while :; do sleep 1 & wait $!; done"


def in_lab(test: Callable[[AgentLab], Awaitable[None]]) -> None:
    async def run() -> None:
        async with agent_lab() as lab:
            await test(lab)

    asyncio.run(run())


def groups_of(lab: AgentLab) -> list[Path]:
    return [group / "t" for group in world_cgroups(lab.world) if (group / "t").exists()]


def need_limits(lab: AgentLab) -> None:
    """An ordinary user without a delegated subtree has no limits; then the host must say so."""
    assert lab.limits
    if lab.limits != "enforced":
        pytest.skip(f"no limits hold here: {lab.limits}")


def processes_with(word: str) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if word.encode() in command:
                found.append(int(entry.name))
    return found


def test_output_and_exit_code() -> None:
    async def test(lab: AgentLab) -> None:
        lab.apply(task(container("app", "echo hello; echo again; exit 7")))
        report = await lab.until_state("app", "exited")
        assert report.exit_code == 7
        assert not report.out_of_memory
        assert report.image_digest is not None
        assert report.image_digest.startswith("sha256:")
        assert report.pull_started_at is not None
        assert report.pull_stopped_at is not None
        assert report.started_at is not None
        assert report.finished_at is not None
        assert report.pull_started_at <= report.pull_stopped_at <= report.started_at
        assert lab.output("app") == ["hello", "again"]
        assert "container.state container=t-app from=running to=exited" in lab.agent_log()

    in_lab(test)


def test_output_that_nobody_wants_does_not_fill_the_disk() -> None:
    async def test(lab: AgentLab) -> None:
        lab.apply(
            task(container("app", "i=0; while [ $i -lt 60000 ]; do i=$((i+1)); echo line $i of many; done"))
        )
        await lab.until_state("app", "exited")
        folder = lab.state_dir / "tasks/t/app"
        kept = [file.stat().st_size for file in folder.iterdir() if file.name.startswith("output.log")]
        assert sum(kept) < 3 << 20
        assert "line 60000 of many" in lab.output("app")

    in_lab(test)


def test_what_a_container_sees_of_itself() -> None:
    script = (
        "hostname; cat /etc/resolv.conf; busybox tail -n1 /etc/hosts; busybox id -u;"
        " echo $HOSTNAME; busybox wc -l < /proc/self/uid_map;"
        " ip -4 -o addr show eth1 | sed 's/.* inet //; s/ .*//'"
    )

    async def test(lab: AgentLab) -> None:
        lab.apply(task(container("app", script)))
        assert (await lab.until_state("app", "exited")).exit_code == 0
        name = "ip-10-99-0-2.ec2.internal"
        assert lab.output("app") == [
            name,
            "nameserver 10.99.0.1",
            f"10.99.0.2 {name}",
            "0",
            name,
            "1",
            "10.99.0.2/24",
        ]

    in_lab(test)


def test_root_in_a_container_cannot_touch_the_network_or_the_kernel() -> None:
    script = """
        try() { "$@" 2>/dev/null && echo "could: $*"; }
        try ip link set eth1 down
        try ip addr add 10.99.0.9/24 dev eth1
        try ip route add 10.1.0.0/16 via 10.99.0.1
        try busybox mount -t tmpfs none /tmp
        try busybox mknod /tmp/null c 1 3
        try busybox unshare -n true
        try busybox hostname other
        ( : > /proc/sys/net/ipv4/ip_forward ) 2>/dev/null && echo "could: open a sysctl"
        ( : > /sys/fs/cgroup/memory/memory.limit_in_bytes ) 2>/dev/null && echo "could: open a limit"
        grep CapEff /proc/self/status
        grep Seccomp: /proc/self/status
        echo done
    """

    async def test(lab: AgentLab) -> None:
        lab.apply(task(container("app", script)))
        await lab.until_state("app", "exited")
        said = [line.split() for line in lab.output("app")]
        assert said == [["CapEff:", fargate_mask()], ["Seccomp:", "2"], ["done"]]

    in_lab(test)


def fargate_mask() -> str:
    """CAP_CHOWN and so on by their numbers in linux/capability.h, as /proc shows a set."""
    numbers = (0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 27, 29, 31)
    return f"{sum(1 << number for number in numbers):016x}"


def test_containers_of_a_task_share_localhost_and_not_processes() -> None:
    async def test(lab: AgentLab) -> None:
        ask = """
            until wget -qO- http://localhost:8080/ 2>/dev/null; do sleep 0.05; done
            busybox ps | grep -c '[h]ttpd'
            exit 0
        """
        serve = container("b", "exec /bin/start")
        lab.apply(task(serve, container("a", ask, depends_on=(Dependency(container="b"),))))
        assert (await lab.until_state("a", "exited")).exit_code == 0
        assert lab.output("a") == ["hello from api on ip-10-99-0-2.ec2.internal", "0"]
        assert lab.now("b").state == "running"

    in_lab(test)


def test_stop_asks_first() -> None:
    async def test(lab: AgentLab) -> None:
        lab.apply(task(container("app", FOREVER)))
        await lab.until_state("app", "running")
        await said(lab, "app", "up")
        lab.apply(task(container("app", FOREVER, desired="stopped")))
        assert (await lab.until_state("app", "exited")).exit_code == 0

    in_lab(test)


def test_who_does_not_listen_is_killed_after_the_stop_timeout() -> None:
    deaf = "trap '' TERM; echo up; while :; do sleep 1; done"

    async def test(lab: AgentLab) -> None:
        lab.apply(task(container("app", deaf, stop_timeout_s=1)))
        await lab.until_state("app", "running")
        await said(lab, "app", "up")
        lab.apply(task(container("app", deaf, stop_timeout_s=1, desired="stopped")))
        assert (await lab.until_state("app", "exited")).exit_code == 128 + signal.SIGKILL

    in_lab(test)


def test_all_are_asked_at_once_but_who_started_later_ends_first() -> None:
    deaf = "trap '' TERM; echo up; while :; do sleep 1; done"

    async def test(lab: AgentLab) -> None:
        def wanted(**members: Any) -> list[ContainerProgram]:
            free = [container(name, deaf, stop_timeout_s=2, **members) for name in ("one", "two")]
            return [*free, container("first", FOREVER, stop_timeout_s=2, **members)]

        def linked(containers: list[ContainerProgram]) -> TaskProgram:
            one, two, first = containers
            return task(replace(one, depends_on=(Dependency(container="first"),)), two, first)

        lab.apply(linked(wanted()))
        for name in ("one", "two", "first"):
            await lab.until_state(name, "running")
            await said(lab, name, "up")
        lab.apply(linked(wanted(desired="stopped")))
        ends = {name: (await lab.until_state(name, "exited")).finished_at for name in ("one", "two", "first")}
        assert ends["one"] and ends["two"] and ends["first"]
        assert abs(ends["one"] - ends["two"]) < 2, "one waited for the other's stop timeout"
        assert ends["first"] >= ends["one"]

    in_lab(test)


def test_too_much_memory_ends_a_container_and_is_told_apart() -> None:
    eat = "busybox dd if=/dev/zero of=/dev/null bs=200M count=4"

    async def test(lab: AgentLab) -> None:
        need_limits(lab)
        small = ContainerLimits(memory_bytes=32 << 20)
        lab.apply(task(container("app", eat, limits=small)))
        report = await lab.until_state("app", "exited")
        assert report.exit_code != 0
        assert report.out_of_memory

    in_lab(test)


def test_the_tasks_own_limits_hold() -> None:
    bomb = "for i in 1 2 3 4 5 6 7 8 9; do for j in 1 2 3 4 5 6 7 8 9; do sleep 60 & done; done; echo all"

    async def test(lab: AgentLab) -> None:
        need_limits(lab)
        lab.apply(task(container("app", bomb)))  # 81 processes, 64 allowed
        await lab.until_state("app", "exited")
        assert "all" not in lab.output("app")

    in_lab(test)


def test_a_killed_agent_finds_its_containers_again() -> None:
    async def test(lab: AgentLab) -> None:
        program = task(container("app", FOREVER), container("short", "read x < /tmp/never; exit 0"))
        lab.apply(program)
        before = await lab.until_state("app", "running")
        await said(lab, "app", "up")
        pid = (lab.state_dir / "tasks/t/app/pid").read_text()
        await lab.kill_agent()
        os.kill(int(pid), 0)  # lives on
        lab.reports.clear()
        await lab.start_agent()
        after = await lab.until_state("app", "running")
        assert after.started_at == before.started_at
        assert (lab.state_dir / "tasks/t/app/pid").read_text() == pid
        assert lab.output("app") == ["up"]  # started once
        lab.apply(task(container("app", FOREVER, desired="stopped")))
        assert (await lab.until_state("app", "exited")).exit_code == 0

    in_lab(test)


def test_an_exit_while_no_agent_ran_is_found_out() -> None:
    wait = "trap 'exit 9' TERM; echo up; while :; do sleep 1 & wait $!; done"

    async def test(lab: AgentLab) -> None:
        lab.apply(task(container("app", wait)))
        await lab.until_state("app", "running")
        await said(lab, "app", "up")
        await lab.kill_agent()
        pid = int((lab.state_dir / "tasks/t/app/pid").read_text())
        descriptor = os.pidfd_open(pid)
        os.kill(pid, signal.SIGTERM)
        await readable(descriptor)
        lab.reports.clear()
        await lab.start_agent()
        assert (await lab.until_state("app", "exited")).exit_code == 9

    in_lab(test)


def test_a_container_whose_monitor_was_killed_does_not_live_on_unseen() -> None:
    async def test(lab: AgentLab) -> None:
        lab.apply(task(container("app", FOREVER)))
        await lab.until_state("app", "running")
        folder = lab.state_dir / "tasks/t/app"
        descriptor = os.pidfd_open(int((folder / "pid").read_text()))
        os.kill(int((folder / "conmon.pid").read_text()), signal.SIGKILL)
        await lab.until_state("app", "exited")
        await readable(descriptor)

    in_lab(test)


def test_nothing_is_left_of_a_task_that_is_not_wanted_any_more() -> None:
    async def test(lab: AgentLab) -> None:
        lab.apply(task(container("app", "trap '' TERM; echo up; while :; do sleep 1; done")))
        await lab.until_state("app", "running")
        assert bool(groups_of(lab)) == (lab.limits == "enforced")
        assert processes_with("--cuuid\0t-app")
        lab.apply()
        await lab.in_force()
        await eventually(lambda: not (lab.state_dir / "tasks/t").exists(), "the task is gone")
        assert not groups_of(lab)
        assert not processes_with("--cuuid\0t-app")

    in_lab(test)


@pytest.mark.parametrize(
    ("image", "step", "cause"),
    [
        ("123456789012.dkr.ecr.us-east-1.amazonaws.com/absent:latest", "pull", "not_found"),
        ("nowhere.example.com/app:latest", "pull", "dns"),
        ("10.99.0.2:444/app:latest", "pull", "refused"),
    ],
)
def test_why_an_image_did_not_come(image: str, step: str, cause: str) -> None:
    async def test(lab: AgentLab) -> None:
        wanted = container("app", "true")
        lab.apply(task(replace(wanted, image=replace(wanted.image, reference=image))))
        await lab.until(lambda: lab.now("app").state == "failed", "failed")
        failure = lab.now("app").failure
        assert failure is not None
        assert (failure.step, failure.cause) == (step, cause), failure
        assert failure.text

    in_lab(test)


def test_a_program_that_is_not_there_fails_the_step_it_fails_in() -> None:
    async def test(lab: AgentLab) -> None:
        lab.apply(task(replace(container("app", ""), entry_point=("/bin/nothing",))))
        await lab.until(lambda: lab.now("app").state == "failed", "failed")
        failure = lab.now("app").failure
        assert failure is not None
        assert failure.step in ("create", "start")
        assert "/bin/nothing" in failure.text

    in_lab(test)


async def said(lab: AgentLab, name: str, line: str) -> None:
    await eventually(lambda: line in lab.output(name), f"{name} says {line}")


async def readable(descriptor: int) -> None:
    """A process descriptor becomes readable when the process has ended."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(descriptor, ended.set)
    try:
        await asyncio.wait_for(ended.wait(), PATIENCE_S)
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)
