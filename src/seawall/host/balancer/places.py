"""Where the files of a node lie, and who may touch them.

The engine runs under an id that is nobody else's and without any capability.  Its folder is below the stage,
where such an id can walk; all in it is root's and only its own socket lies where the engine may write.  What
the agent writes down for the agent after it lies in the world's memory, out of the engine's reach.
"""

import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from seawall.program.balancer import BalancerFile, BalancerProgram

_WANTED_ID = 65520  # no container image is known to use it


def engine_id() -> int:
    """The user and group of engines: of the ids of this user namespace, one at its end."""
    lines = Path("/proc/self/uid_map").read_text().splitlines()
    last = max(int(first) + int(count) - 1 for first, _, count in (line.split() for line in lines))
    return min(_WANTED_ID, last)


@dataclass(frozen=True)
class Places:
    """Of one node."""

    folder: Path  # below the stage
    memory: Path  # below run/

    @property
    def sockets(self) -> Path:
        return self.folder / "sockets"

    @property
    def console(self) -> Path:
        return self.sockets / "master"

    @property
    def log_socket(self) -> Path:
        return self.folder / "log"

    @property
    def output(self) -> Path:
        """What the engine itself says: starts, reloads, refusals."""
        return self.folder / "output"

    @property
    def current(self) -> Path:
        """A link to the generation that the engine loads at a start or reload."""
        return self.folder / "current"

    @property
    def configuration(self) -> Path:
        return self.current / "haproxy.cfg"

    def make(self, id: int) -> None:
        self.memory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        os.chown(self.folder, -1, id)
        self.sockets.mkdir(mode=0o700, exist_ok=True)
        os.chown(self.sockets, id, id)

    def write_generation(self, number: int, text: str, files: Iterable[BalancerFile]) -> Path:
        """A configuration beside the one in force; `switch` makes it the next to load."""
        generation = self.folder / f"generation-{number}"
        shutil.rmtree(generation, ignore_errors=True)
        (generation / "files").mkdir(parents=True)
        for file in files:
            (generation / "files" / file.name).write_text(file.content)
        (generation / "haproxy.cfg").write_text(text)
        return generation

    def switch(self, generation: Path) -> None:
        draft = self.folder / "current.new"
        draft.unlink(missing_ok=True)
        draft.symlink_to(generation.name)
        draft.replace(self.current)

    def next_number(self) -> int:
        numbers = [int(path.name.partition("-")[2]) for path in self.folder.glob("generation-*")]
        return max(numbers, default=0) + 1

    def keep_only(self, generation: Path) -> None:
        """Remove all others: the engine reads files only as it loads."""
        for path in self.folder.glob("generation-*"):
            if path.name != generation.name:
                shutil.rmtree(path, ignore_errors=True)

    def note_loaded(self, program: BalancerProgram) -> None:
        """Remember the last program that the engine did not refuse."""
        bare = msgspec.structs.replace(program, pools=())
        draft = self.memory / "loaded.new"
        draft.write_bytes(msgspec.msgpack.encode(bare))
        draft.replace(self.memory / "loaded.msgpack")

    def loaded(self) -> BalancerProgram | None:
        try:
            return msgspec.msgpack.decode((self.memory / "loaded.msgpack").read_bytes(), type=BalancerProgram)
        except (FileNotFoundError, msgspec.DecodeError):
            return None

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.rmtree(self.memory, ignore_errors=True)
