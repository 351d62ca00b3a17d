"""How much of a task's ephemeral storage is used, looked at again and again.

On Fargate the task's disk is full at its size.  Here use is counted (docs/design/0009),
as blocks on disk: what containers and volumes have written, output that waits to be sent, and the layers of
their images, each once.
"""

import asyncio
import contextlib
import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from seawall.host.long_work import at_leisure

LOOK_S = 2.0
BLOCK = 512  # bytes, in which a file's blocks are counted
REST = 20  # a count may take one part in so many of the time
AT_LEAST_S = 60.0  # between counts: others on the same disk may have freed what a task has taken


class Left(NamedTuple):
    """What a count found: so much was left to the task, so much was free on the whole disk, at that time."""

    of_task: int
    on_disk: int
    at: float


async def until_over(
    limit: int, place: Path, written: Callable[[], Iterable[Path]], layers: Callable[[], Iterable[Path]]
) -> int:
    """Return the bytes used when they are more than `limit`.  Layers never change: each is counted once.

    place   a folder on the disk that is written to: while that has not lost as much as was left to the task,
            the task cannot be over its size, and nothing is counted
    """
    known: dict[Path, int] = {}
    left: Left | None = None
    pause = LOOK_S
    while True:
        await asyncio.sleep(pause)
        began, free = time.monotonic(), _free_bytes(place)
        pause = LOOK_S
        wanted = frozenset(layers())
        new = wanted.difference(known)
        if left and not new and left.on_disk - free < left.of_task and began - left.at < AT_LEAST_S:
            continue
        for layer in new:
            known[layer] = await at_leisure(used_bytes, [layer])
        used = await at_leisure(used_bytes, list(written()))
        used += sum(known[layer] for layer in wanted)
        if used > limit:
            return used
        left = Left(limit - used, free, began)
        pause = max(LOOK_S, REST * (time.monotonic() - began))


def _free_bytes(place: Path) -> int:
    found = os.statvfs(place)
    return found.f_bfree * found.f_frsize


def used_bytes(places: Iterable[Path]) -> int:
    """On disk, of files and of all below folders; a file with several names once, what goes meanwhile not."""
    total = 0
    seen: set[tuple[int, int]] = set()
    waiting = [str(place) for place in places]
    while waiting:
        place = waiting.pop()
        try:
            with os.scandir(place) as entries:
                for entry in entries:
                    total += _blocks(entry, seen, waiting)
        except NotADirectoryError:
            with contextlib.suppress(FileNotFoundError):
                total += Path(place).stat().st_blocks * BLOCK
        except OSError:
            continue
    return total


def _blocks(entry: "os.DirEntry[str]", seen: set[tuple[int, int]], waiting: list[str]) -> int:
    try:
        found = entry.stat(follow_symlinks=False)
    except OSError:
        return 0
    if entry.is_dir(follow_symlinks=False):
        waiting.append(entry.path)
    elif found.st_nlink > 1:
        if (found.st_dev, found.st_ino) in seen:
            return 0
        seen.add((found.st_dev, found.st_ino))
    return found.st_blocks * BLOCK
