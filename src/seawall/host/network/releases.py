"""Which tracked flows a change of sets takes the ground from: pure reckoning with boxes of numbers."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from seawall.program.network import ElementSet

Range = tuple[int, int]
ALL_PROTOCOLS: Range = (0, 255)
ALL_PORTS: Range = (0, 65535)


class Release(NamedTuple):
    """Flows to be forgotten.  `way` is as in ElementSet.releases; "address" is from or to, and all."""

    way: str
    address: str
    protocols: Range = ALL_PROTOCOLS
    ports: Range = ALL_PORTS


def released(old: ElementSet, new: ElementSet) -> set[Release]:
    """What `new` does not cover any more.

    An address that now stands for another object is released; flows to or from it are not, as long as any
    element lets them be.
    """
    if old.releases == "address":
        kept = set(new.elements)
        return {Release("address", element.key) for element in old.elements if element not in kept}
    if not old.releases:
        return set()
    kept_keys = {element.key for element in new.elements}
    gone = [_release(old.releases, e.key) for e in old.elements if e.key not in kept_keys]
    wanted = {release.address for release in gone}
    covers: dict[str, list[Release]] = {}
    for element in new.elements if gone else ():
        if element.key.split(" ", 1)[0] in wanted:
            cover = _release(old.releases, element.key)
            covers.setdefault(cover.address, []).append(cover)
    return {left for release in gone for left in _remainder(release, covers.get(release.address, ()))}


def _release(way: str, key: str) -> Release:
    address, protocol, ports = key.split(" . ")
    return Release(way, address, _range(protocol), _range(ports))


def _range(text: str) -> Range:
    first, _, last = text.partition("-")
    return int(first, 0), int(last or first, 0)


def _remainder(release: Release, covers: Iterable[Release]) -> list[Release]:
    left = [release]
    for cover in covers:
        left = [piece for whole in left for piece in _outside(whole, cover)]
    return left


def _outside(whole: Release, cover: Release) -> Iterator[Release]:
    """The parts of a box outside of another: those below and above it in each dimension."""
    protocols, ports = _common(whole.protocols, cover.protocols), _common(whole.ports, cover.ports)
    if protocols is None or ports is None:
        yield whole
        return
    for piece in _beside(whole.protocols, protocols):
        yield whole._replace(protocols=piece)
    for piece in _beside(whole.ports, ports):
        yield whole._replace(protocols=protocols, ports=piece)


def _common(a: Range, b: Range) -> Range | None:
    first, last = max(a[0], b[0]), min(a[1], b[1])
    return (first, last) if first <= last else None


def _beside(whole: Range, part: Range) -> Iterator[Range]:
    if whole[0] < part[0]:
        yield whole[0], part[0] - 1
    if part[1] < whole[1]:
        yield part[1] + 1, whole[1]
