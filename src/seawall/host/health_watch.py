"""Looking after a container's health: its check's command, run in it again and again."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

from seawall.host.conmon import Execution
from seawall.host.health import TIMED_OUT, Look, Streak, after_look
from seawall.program.report import Health
from seawall.program.task import HealthCheck

Execute = Callable[[Sequence[str], float], Awaitable[Execution]]


async def watch_health(
    check: HealthCheck,
    known: Health,
    execute: Execute,
    began: Callable[[], float],
    note: Callable[[Health], None],
) -> None:
    """Until cancelled; `note` is told whatever is new.

    execute   runs a command in the container for some seconds at most; raises asyncio.TimeoutError
    began     when the container's process was started, in seconds since the epoch
    """
    streak = Streak(health=known)
    while True:
        await asyncio.sleep(check.interval_s)
        look = await _look(check, execute)
        now = time.time()
        before = streak.health
        streak = after_look(check, streak, look, age_s=now - began(), now=now)
        if streak.health != before:
            note(streak.health)


async def _look(check: HealthCheck, execute: Execute) -> Look:
    """As Docker runs one: CMD-SHELL by the container's shell, CMD as it is."""
    kind, *words = check.command
    command = {"CMD-SHELL": ["/bin/sh", "-c", *words], "CMD": words}.get(kind, [kind, *words])
    try:
        done = await execute(command, check.timeout_s)
    except asyncio.TimeoutError:
        return Look(exit_code=TIMED_OUT, output=f"Health check exceeded timeout ({check.timeout_s}s)")
    return Look(exit_code=done.exit_code, output=done.output)
