"""What becomes of a container that writes more than can be sent, by the mode of its log driver."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Literal

import pytest
from msgspec.structs import replace
from tests.world.agent_lab import REGION, REGISTRY, AgentLab, agent_lab, container, eventually, task

from seawall.program.task import AwsLogs, ContainerProgram, Credentials, Mount, TaskProgram

pytestmark = pytest.mark.world

LINES = 2500
ENOUGH = 1200  # of 1280 bytes each, for writers to have to wait


def writes(*, all_at_once: bool = False) -> str:
    """All lines; enough of them, and the others after that was noticed: `go_on`."""
    enough = LINES if all_at_once else ENOUGH
    return (
        "l=xxxxxxxxxx; for n in 1 2 3 4 5 6 7; do l=$l$l; done;"
        f" i=0; while [ $i -lt {LINES} ]; do i=$((i+1)); echo $i $l;"
        f" [ $i != {enough} ] || until [ $i = {LINES} ] || [ -e /v/go ]; do sleep 0.05; done; done"
    )


def wanted(program: ContainerProgram) -> TaskProgram:
    return replace(task(program), volumes=("v",))


def go_on(lab: AgentLab) -> None:
    (lab.state_dir / "tasks/t/+volumes/v/go").touch()


def in_lab(test: Callable[[AgentLab], Awaitable[None]]) -> None:
    async def run() -> None:
        async with agent_lab() as lab:
            await test(lab)

    asyncio.run(run())


def writer(mode: Literal["blocking", "non-blocking"], script: str) -> ContainerProgram:
    credentials = Credentials(access_key_id="K", secret_access_key="S", session_token="T")
    logs = AwsLogs(
        endpoint=REGISTRY,
        region=REGION,
        group="g",
        stream="s",
        mode=mode,
        buffer_bytes=100_000,
        credentials=credentials,
    )
    return container("app", script, logs=logs, stop_timeout_s=2, mounts=(Mount(volume="v", path="/v"),))


def is_held(lab: AgentLab) -> bool:
    """Whether nobody reads what the container writes."""
    try:
        pid = int((lab.state_dir / "tasks/t/app/conmon.pid").read_text())
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
    except (FileNotFoundError, ProcessLookupError, ValueError):
        return False


def numbers(lab: AgentLab) -> list[int]:
    """Of the lines that have come, each once."""
    return list(dict.fromkeys(int(message.split()[0]) for message in lab.logs.messages))


def test_with_blocking_writers_wait_and_no_line_is_lost_over_a_killed_agent() -> None:
    async def test(lab: AgentLab) -> None:
        lab.logs.away.set()
        lab.apply(wanted(writer("blocking", writes())))
        await eventually(lambda: is_held(lab), "its output is not read any more")
        go_on(lab)
        assert lab.now("app").state == "running"
        await lab.kill_agent()
        lab.reports.clear()
        await lab.start_agent()
        await lab.until_state("app", "running", "exited")
        lab.logs.away.clear()
        assert (await lab.until_state("app", "exited")).exit_code == 0
        await eventually(lambda: len(numbers(lab)) == LINES, "every line has come")
        assert numbers(lab) == list(range(1, LINES + 1))

    in_lab(test)


def test_one_that_waits_can_be_stopped() -> None:
    async def test(lab: AgentLab) -> None:
        lab.logs.away.set()
        program = writer("blocking", f"trap 'exit 3' TERM; {writes()}; sleep 60")
        lab.apply(wanted(program))
        await eventually(lambda: is_held(lab), "its output is not read any more")
        go_on(lab)
        lab.apply(wanted(replace(program, desired="stopped")))
        await lab.until_state("app", "exited")
        lab.logs.away.clear()
        await eventually(lambda: not lab.now("app").output_pending, "its output is sent")
        assert numbers(lab) == list(range(1, len(numbers(lab)) + 1))

    in_lab(test)


def test_with_non_blocking_nobody_waits_and_the_newest_lines_are_lost() -> None:
    async def test(lab: AgentLab) -> None:
        lab.logs.away.set()
        script = f"{writes(all_at_once=True)}; : > /done; while :; do echo 9999; sleep 0.2; done"
        program = writer("non-blocking", script)
        lab.apply(wanted(program))
        done = lab.state_dir / "tasks/t/app/upper/done"
        await eventually(done.exists, "all is written")
        lab.logs.away.clear()
        await eventually(lambda: 9999 in numbers(lab), "what is written now comes")
        came = numbers(lab)
        assert came == sorted(came)
        assert 50 < len(came) < LINES // 2
        assert came[:50] == list(range(1, 51))
        lab.apply(wanted(replace(program, desired="stopped")))
        await lab.until_state("app", "exited")

    in_lab(test)
