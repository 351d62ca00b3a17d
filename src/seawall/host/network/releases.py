"""Which tracked flows a change of sets takes the ground from: pure reckoning with boxes of numbers."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from msgspec.structs import replace

from seawall.program.network import Element, ElementSet
from seawall.program.shelves import Series, differing

Range = tuple[int, int]
ALL_PROTOCOLS: Range = (0, 255)
ALL_PORTS: Range = (0, 65535)


class Release(NamedTuple):
    """Flows to be forgotten.  `way` is as in ElementSet.releases; "address" is from or to, and all."""

    way: str
    address: str
    protocols: Range = ALL_PROTOCOLS
    ports: Range = ALL_PORTS


def released_by(old: Mapping[str, ElementSet], new: Mapping[str, ElementSet]) -> set[Release]:
    """What a policy's sets do not cover any more, after they became others.  Both by name."""
    found: set[Release] = set()
    for name, before in old.items():
        if before.releases:
            after = new.get(name) or replace(before, elements=())
            if before.owners:
                owners = (_elements(sets, before.owners) for sets in (old, new))
                found |= _released_of_owners(before, after, *owners)
            elif before is not after:
                found |= released(before, after)
    return found


def released(old: ElementSet, new: ElementSet) -> set[Release]:
    """What `new` does not cover any more.

    An address that now stands for another object is released; flows to or from it are not, as long as any
    element lets them be.
    """
    before, after = differing(old.elements, new.elements)
    if old.releases == "address":
        kept = set(after)
        return {Release("address", element.key) for element in before if element not in kept}
    if not old.releases or not before:
        return set()
    kept_keys = {element.key for element in after}
    gone = [_release(old.releases, e.key) for e in before if e.key not in kept_keys]
    wanted = {release.address for release in gone}
    covers: dict[str, list[Release]] = {}
    for element in new.elements if gone else ():
        if element.key.split(" ", 1)[0] in wanted:
            cover = _release(old.releases, element.key)
            covers.setdefault(cover.address, []).append(cover)
    return {left for release in gone for left in _remainder(release, covers.get(release.address, ()))}


def _released_of_owners(
    old: ElementSet, new: ElementSet, owners: Series[Element], heirs: Series[Element]
) -> set[Release]:
    """`owners` have the marks that the elements of `old` begin with, `heirs` those of `new`."""
    allowed, allows = _by_mark(old), _by_mark(new)
    less = {mark: lost for mark, own in allowed.items() if (lost := _lost(own, allows.get(mark, ())))}
    gone, come = differing(owners, heirs)
    now = {element.key: _mark(element) for element in come}
    moved = {element.key for element in gone}
    found = [
        piece._replace(address=element.key)
        for element in gone
        for piece in _lost(allowed.get(_mark(element), ()), allows.get(now.get(element.key, -1), ()))
    ]
    found += [
        piece._replace(address=element.key)
        for element in (owners if less else ())
        if element.key not in moved
        for piece in less.get(_mark(element), ())
    ]
    return set(found)


def _elements(sets: Mapping[str, ElementSet], name: str) -> Series[Element]:
    return sets[name].elements if name in sets else ()


def _by_mark(contents: ElementSet) -> dict[int, list[Release]]:
    """What each mark allows, without addresses."""
    found: dict[int, list[Release]] = {}
    for element in contents.elements:
        piece = _release(contents.releases, element.key)
        found.setdefault(int(piece.address, 0), []).append(piece._replace(address=""))
    return found


def _mark(owner: Element) -> int:
    return int(owner.value or "0", 0)


def _lost(before: Iterable[Release], after: Collection[Release]) -> list[Release]:
    return [left for piece in before if piece not in after for left in _remainder(piece, after)]


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
