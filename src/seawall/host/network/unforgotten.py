"""Flows that a change took the ground from, noted before it is made: an agent that dies in between leaves
them to the next.
"""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from seawall.host.network.releases import Release


class Unforgotten:
    """One file for each namespace under `folder`, there only while a change is under way."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def note(self, namespace: str, digest: str, releases: set[Release]) -> None:
        """`digest` is that of the contents under which the flows have no ground any more."""
        draft = self._folder / f".{namespace}"
        draft.write_bytes(msgspec.msgpack.encode((digest, list(releases))))
        draft.replace(self._folder / namespace)

    def done(self, namespace: str) -> None:
        (self._folder / namespace).unlink(missing_ok=True)

    def left(self) -> Iterator[tuple[str, str, list[Release]]]:
        """What an agent before this one left: namespace, digest, flows."""
        for path in self._folder.iterdir():
            if not path.name.startswith("."):
                digest, releases = msgspec.msgpack.decode(path.read_bytes(), type=tuple[str, list[Release]])
                yield path.name, digest, releases
