"""Commands in running containers: status, input, terminal, rights; and that none outlives its caller."""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from tests.world.agent_lab import PATIENCE_S, AgentLab, agent_lab, container, eventually, task

from seawall.app.exec_call import Heard, dial
from seawall.app.failure import CommandFailed
from seawall.program.exec import Ended, Input, Output, Refused, Resize, Start, Told, frame

pytestmark = pytest.mark.world

FOREVER = "trap 'exit 0' TERM; echo up; while :; do sleep 1 & wait $!; done"


def in_lab(test: Callable[[AgentLab], Awaitable[None]]) -> None:
    async def run() -> None:
        async with agent_lab() as lab:
            lab.apply(task(container("app", FOREVER, environment=(("COLOUR", "blue"),))))
            await lab.until_state("app", "running")
            await test(lab)

    asyncio.run(run())


class Call:
    """A command that was asked for."""

    def __init__(self, lab: AgentLab, *command: str, **members: object) -> None:
        start = Start(task="t", container="app", command=command, **members)  # type: ignore[arg-type]
        self.connection: socket.socket = dial(lab.state_dir, start)
        self.connection.setblocking(False)
        self._heard = Heard()
        self.said = b""
        self.complained = b""
        self.ended: Told | None = None

    async def send(self, message: Input | Resize) -> None:
        await asyncio.get_running_loop().sock_sendall(self.connection, frame(message))

    async def until(self, found: Callable[[], bool]) -> None:
        while not found():
            data = await asyncio.get_running_loop().sock_recv(self.connection, 65536)
            assert data, f"hung up after {self.said!r}"
            for message in self._heard.messages(data):
                if isinstance(message, Output) and message.stream == 1:
                    self.said += message.data
                elif isinstance(message, Output):
                    self.complained += message.data
                else:
                    self.ended = message

    async def status(self) -> int:
        await asyncio.wait_for(self.until(lambda: self.ended is not None), PATIENCE_S)
        self.connection.close()
        assert isinstance(self.ended, Ended), self.ended
        return self.ended.status


async def ended(lab: AgentLab, *command: str) -> Told | None:
    """How a command came to its end."""
    call = Call(lab, *command)
    await asyncio.wait_for(call.until(lambda: call.ended is not None), PATIENCE_S)
    call.connection.close()
    return call.ended


def alive(mark: str) -> list[str]:
    """Processes outside of containers' view that have the mark in their command line."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if mark.encode() in (entry / "cmdline").read_bytes():
                    found.append(entry.name)
    return found


def test_output_input_and_status() -> None:
    async def test(lab: AgentLab) -> None:
        call = Call(lab, "/bin/sh", "-c", "busybox cat; echo no >&2; echo $COLOUR; exit 7")

        async def type_it() -> None:
            for _ in range(64):
                await call.send(Input(data=b"x" * 32768))
            await call.send(Input(data=b""))

        status, _ = await asyncio.gather(call.status(), type_it())
        assert status == 7
        assert call.said == b"x" * 32768 * 64 + b"blue\n"
        assert call.complained == b"no\n"
        killed = Call(lab, "/bin/sh", "-c", "kill -9 $$")
        assert await killed.status() == 137
        missing = Call(lab, "/bin/nothing")
        assert await missing.status() != 0
        assert b"/bin/nothing" in missing.complained

    in_lab(test)


def test_it_is_in_the_container_with_its_rights_and_no_more() -> None:
    script = (
        "hostname; grep -E 'CapEff|CapBnd|Seccomp:' /proc/self/status; cat /proc/self/cgroup /proc/1/cgroup"
        " | busybox sort | busybox uniq -c | busybox awk '{print $1}' | busybox sort -u;"
        " at() { busybox readlink /proc/$1/ns/$2; }; for n in net pid mnt ipc uts user cgroup; do"
        ' [ "$(at self $n)" = "$(at 1 $n)" ] || echo other $n; done'
    )

    async def test(lab: AgentLab) -> None:
        call = Call(lab, "/bin/sh", "-c", script)
        assert await call.status() == 0, call.complained
        mask = f"{sum(1 << n for n in (0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 27, 29, 31)):016x}"
        name, *rest = call.said.decode().split("\n")
        assert name == "ip-10-99-0-2.ec2.internal"
        assert [line.split()[-1] for line in rest if line] == [mask, mask, "2", "2"]

    in_lab(test)


def test_a_terminal_with_its_size() -> None:
    async def test(lab: AgentLab) -> None:
        call = Call(lab, "/bin/sh", terminal=True, rows=30, columns=100)
        await call.send(Input(data=b"tty; stty size; echo ready\n"))
        await asyncio.wait_for(call.until(lambda: b"\nready" in call.said), PATIENCE_S)
        assert b"/dev/pts/" in call.said
        assert b"30 100" in call.said
        await call.send(Resize(rows=51, columns=171))
        await call.send(Input(data=b"stty size; exit 3\n"))
        assert await call.status() == 3
        assert b"51 171" in call.said

    in_lab(test)


def test_a_size_that_changes_before_there_is_a_terminal() -> None:
    async def test(lab: AgentLab) -> None:
        for _ in range(5):
            call = Call(lab, "/bin/sh", terminal=True, rows=30, columns=100)
            await call.send(Resize(rows=51, columns=171))
            await call.send(Input(data=b"stty size; exit 3\n"))
            assert await call.status() == 3
            assert b"51 171" in call.said

    in_lab(test)


@pytest.mark.parametrize("terminal", [False, True])
def test_it_ends_with_its_caller(terminal: bool) -> None:
    async def test(lab: AgentLab) -> None:
        script = "trap '' HUP TERM; echo up; sleep 71717 & busybox setsid sleep 71717 & wait"
        call = Call(lab, "/bin/sh", "-c", script, terminal=terminal)
        await asyncio.wait_for(call.until(lambda: b"up" in call.said), PATIENCE_S)
        await eventually(lambda: len(alive("71717")) >= 3, "what it starts")
        call.connection.close()
        await eventually(lambda: not alive("71717"), "the end of all of it")
        assert lab.now("app").state == "running"

    in_lab(test)


def test_one_that_does_not_read_ends_too() -> None:
    async def test(lab: AgentLab) -> None:
        call = Call(lab, "/bin/sh", "-c", "echo up; sleep 71718")
        await asyncio.wait_for(call.until(lambda: b"up" in call.said), PATIENCE_S)
        call.connection.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                call.connection.send(frame(Input(data=b"x" * 32768)))
        call.connection.close()
        await eventually(lambda: not alive("71718"), "the end of all of it")

    in_lab(test)


def _listens(lab: AgentLab) -> bool:
    try:
        dial(lab.state_dir, Start(task="t", container="app", command=("/bin/true",))).close()
    except CommandFailed:
        return False
    return True


@pytest.mark.parametrize("terminal", [False, True])
def test_a_killed_agent_leaves_none(terminal: bool) -> None:
    async def test(lab: AgentLab) -> None:
        call = Call(lab, "/bin/sh", "-c", "trap '' HUP; echo up; sleep 71719 & wait", terminal=terminal)
        await asyncio.wait_for(call.until(lambda: b"up" in call.said), PATIENCE_S)
        await lab.kill_agent()
        call.connection.close()
        await lab.start_agent()
        await eventually(lambda: not alive("71719"), "the end of all of it")
        await eventually(lambda: _listens(lab), "it is listened to again")
        while not isinstance(
            (again := await ended(lab, "/bin/sh", "-c", "exit 0")), Ended
        ):  # it has not met the task yet
            assert isinstance(again, Refused)
        assert again.status == 0

    in_lab(test)


def test_refusals() -> None:
    async def test(lab: AgentLab) -> None:
        for task_id, name in (("t", "other"), ("u", "app")):
            start = Start(task=task_id, container=name, command=("/bin/true",))
            with dial(lab.state_dir, start) as connection:
                connection.setblocking(False)
                data = await asyncio.get_running_loop().sock_recv(connection, 65536)
            (said,) = Heard().messages(data)
            assert isinstance(said, Refused)

    in_lab(test)


def test_the_socket_is_its_owners() -> None:
    async def test(lab: AgentLab) -> None:
        assert (lab.state_dir / "exec.sock").stat().st_mode & 0o777 == 0o600

    in_lab(test)
