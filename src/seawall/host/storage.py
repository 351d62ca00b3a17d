"""How much of a task's ephemeral storage is used, looked at again and again.

On Fargate the task's disk is full at its size.  Here use is counted (docs/design/0009),
as blocks on disk: what containers and volumes have written, and the layers of their images, each once.
"""

import asyncio
import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path

LOOK_S = 5.0
REST = 20  # a look may take one part in so many of the time


async def until_over(
    limit: int, written: Callable[[], Iterable[Path]], layers: Callable[[], Iterable[Path]]
) -> int:
    """Return the bytes used when they are more than `limit`.  Layers never change: each is counted once."""
    known: dict[Path, int] = {}
    pause = LOOK_S
    while True:
        await asyncio.sleep(pause)
        began = time.monotonic()
        wanted = frozenset(layers())
        for layer in wanted.difference(known):
            known[layer] = await asyncio.to_thread(used_bytes, [layer])
        used = await asyncio.to_thread(used_bytes, list(written()))
        used += sum(known[layer] for layer in wanted)
        if used > limit:
            return used
        pause = max(LOOK_S, REST * (time.monotonic() - began))


def used_bytes(folders: Iterable[Path]) -> int:
    """Blocks on disk of all below some folders, a file with several names once; what goes meanwhile is 0."""
    total = 0
    seen: set[tuple[int, int]] = set()
    waiting = [str(folder) for folder in folders]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    total += _blocks(entry, seen, waiting)
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
    return found.st_blocks * 512
