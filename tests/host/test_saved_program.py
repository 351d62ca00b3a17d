"""The program on disk: whole, with changes, cut short."""

from itertools import pairwise
from pathlib import Path

import msgspec

from seawall.host.saved_program import MOST_CHANGED_BYTES, MOST_CHANGES, SavedProgram
from seawall.program.change import host_change
from seawall.program.host import HostProgram
from seawall.program.network import Namespace, NetworkProgram


def program(revision: int) -> HostProgram:
    namespaces = tuple(Namespace(name=f"n{number}") for number in range(revision % 5))
    return HostProgram(revision=revision, network=NetworkProgram(namespaces=namespaces))


def follow(saved: SavedProgram, first: int, last: int) -> None:
    for revision in range(first, last):
        saved.append(program(revision + 1), host_change(program(revision), program(revision + 1)))


def test_changes_are_put_on_top(tmp_path: Path) -> None:
    path = tmp_path / "program"
    saved = SavedProgram(path)
    assert saved.load() is None
    saved.save(program(1))
    follow(saved, 1, 9)
    assert SavedProgram(path).load() == program(9)


def test_a_frame_cut_short_does_not_count_and_is_not_built_on(tmp_path: Path) -> None:
    path = tmp_path / "program"
    saved = SavedProgram(path)
    saved.save(program(1))
    follow(saved, 1, 4)
    path.write_bytes(path.read_bytes()[:-3])
    again = SavedProgram(path)
    assert again.load() == program(3)
    follow(again, 3, 6)
    assert SavedProgram(path).load() == program(6)


def test_it_does_not_grow_for_ever(tmp_path: Path) -> None:
    path = tmp_path / "program"
    saved = SavedProgram(path)
    saved.save(program(1))
    follow(saved, 1, 3 * MOST_CHANGES)
    assert path.stat().st_size < 200 * MOST_CHANGES
    assert SavedProgram(path).load() == program(3 * MOST_CHANGES)


def test_large_changes_do_not_pile_up(tmp_path: Path) -> None:
    path = tmp_path / "program"
    saved = SavedProgram(path)
    large = tuple(Namespace(name=f"n{number}") for number in range(4000))
    programs = [
        HostProgram(revision=revision, network=NetworkProgram(namespaces=large if revision % 2 else ()))
        for revision in range(MOST_CHANGES)
    ]
    saved.save(programs[0])
    most = 0
    for before, after in pairwise(programs):
        saved.append(after, host_change(before, after))
        most = max(most, path.stat().st_size)
    whole = len(msgspec.msgpack.encode(programs[1]))
    assert most < 2 * whole + MOST_CHANGED_BYTES + 1000
    assert SavedProgram(path).load() == programs[-1]


def test_a_change_as_another_version_wrote_it_does_not_count_for_less(tmp_path: Path) -> None:
    """Nothing is known then, rather than what was before the change."""
    path = tmp_path / "program"
    SavedProgram(path).save(program(1))
    links = {"put": [], "at": [], "gone": [], "whole": False}
    change = msgspec.msgpack.encode({"base": 1, "revision": 2, "links": links})
    with path.open("ab") as file:
        file.write(len(change).to_bytes(4, "big") + change)
    assert SavedProgram(path).load() is None
