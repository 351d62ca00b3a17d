"""An agent killed, as if from outside, at one step of its work: `dying_agent.py STEP --state-dir ...`.

STEP is `before:NAME` or `after:NAME`, at the first call of that function, or `spawn:WORD`, when a process
with this word among its arguments has begun.
"""

import asyncio
import functools
import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any

from seawall.host import agent, bundle, child, conmon, images, spawn, start_gate, task
from seawall.host.balancer.console import Console
from seawall.host.balancer.places import Places
from seawall.host.balancer.process import EngineProcess
from seawall.host.balancer.spool import Spool
from seawall.host.conmon import Conmon
from seawall.host.container import Container
from seawall.host.container_record import Record
from seawall.host.dns.names import Names
from seawall.host.images import Images
from seawall.host.pause import Pause
from seawall.host.secrets import Secrets
from seawall.host.traces import Traces
from seawall.host.volumes import Volumes

FUNCTIONS: dict[str, tuple[Any, str]] = {
    "prepare": (task.Task, "_prepare"),
    "pull": (Container, "_pull"),
    "fetch": (images, "fetch_image"),
    "unpack": (images, "unpack_layer"),
    "keep": (Images, "_unpack"),
    "mount": (bundle, "mount_overlay"),
    "ready": (conmon, "_spawn"),
    "create": (conmon, "_created"),
    "answer": (conmon, "_read_line"),
    "start": (Conmon, "start"),
    "go": (start_gate, "_tell"),
    "note": (Record, "save"),
    "pause": (Pause, "_make"),
    "shared": (Pause, "namespace"),
    "make volumes": (Volumes, "make"),
    "fill volumes": (Volumes, "fill"),
    "end pause": (Pause, "remove"),
    "secrets": (Secrets, "fetch"),
    "wait": (task.Task, "_wait_for_move"),
    "restart": (Container, "_restart"),
    "signal": (conmon, "kill"),
    "exited": (Container, "_exited"),
    "discard": (Traces, "remove"),
    "delete": (Conmon, "remove"),
    "surroundings": (task, "_remove_surroundings"),
    "engine files": (Places, "write_generation"),
    "engine switch": (Places, "switch"),
    "engine start": (EngineProcess, "start"),
    "engine check": (EngineProcess, "check"),
    "engine reload": (Console, "reload"),
    "engine servers": (Console, "tell"),
    "engine note": (Places, "note_loaded"),
    "engine end": (EngineProcess, "end"),
    "engine clear": (Places, "remove"),
    "traffic close": (Spool, "close_part"),
    "traffic remove": (Spool, "remove"),
    "name": (Names, "answer"),
}


def arm(step: str) -> None:
    when, _, name = step.partition(":")
    if when == "spawn":
        _arm_spawn(name)
        return
    place, attribute = FUNCTIONS[name]
    original = getattr(place, attribute)
    setattr(place, attribute, _dying(original, when))


def _arm_spawn(word: str) -> None:
    """Die the moment a process with this word among its arguments has begun."""

    for place in (child, conmon):

        def spawn_one(command: Sequence[str], *args: Any, **options: Any) -> int:
            pid = spawn.spawn(command, *args, **options)
            if word in command:
                die()
            return pid

        place.spawn = spawn_one
    begin = asyncio.create_subprocess_exec  # which a loop may do in a way of its own

    async def begin_one(*command: str, **options: Any) -> asyncio.subprocess.Process:
        process = await begin(*command, **options)
        if word in command:
            die()
        return process

    asyncio.create_subprocess_exec = begin_one  # type: ignore[assignment]


def _dying(original: Callable[..., Any], when: str) -> Callable[..., Any]:
    if asyncio.iscoroutinefunction(original):

        @functools.wraps(original)
        async def waiting(*args: Any, **options: Any) -> Any:
            if when == "before":
                die()
            result = await original(*args, **options)
            die()
            return result

        return waiting

    @functools.wraps(original)
    def at_once(*args: Any, **options: Any) -> Any:
        if when == "before":
            die()
        result = original(*args, **options)
        die()
        return result

    return at_once


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    arm(sys.argv.pop(1))
    sys.exit(agent.main())
