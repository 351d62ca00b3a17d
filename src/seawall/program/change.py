"""From one host program to the next, in what differs: a changed rule does not send a thousand interfaces.

What did not change stays the very same object at the receiver, so that it can be skipped there unseen.
"""

from collections.abc import Callable
from typing import Generic, TypeVar

import msgspec
from msgspec.structs import replace

from seawall.program.alike import common_ends
from seawall.program.balancer import BalancerProgram
from seawall.program.host import HostProgram
from seawall.program.network import (
    Element,
    ElementSet,
    Link,
    Namespace,
    NameZone,
    NetworkProgram,
    Resolver,
    Route,
)
from seawall.program.shelves import Series, Shelves, differing, other_shelves, replaced, shelves_of
from seawall.program.task import TaskProgram

T = TypeVar("T")


class Difference(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """Between two tuples whose items have distinct keys.

    put     items that are new or have changed, in order
    at      for each of them: the place it has among the new items, or -1 where it replaces its elder
    gone    keys of items that are no more
    whole   nothing of the old ones is kept: `put` is everything
    """

    put: tuple[T, ...] = ()
    at: tuple[int, ...] = ()
    gone: tuple[str, ...] = ()
    whole: bool = False


class Differences(msgspec.Struct, Generic[T], frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Between two long sequences, by the shelves that are others.

    count   how many shelves there are; None: it is a plain tuple
    """

    shelves: dict[int, Difference[T]] = {}
    count: int | None = None


class HostChange(msgspec.Struct, frozen=True, kw_only=True):
    """Applies to the program of revision `base` alone.  None and what is missing: no difference.

    namespaces   without their routes and the sets of their policies; all shelves with one that is another
    routes       by namespace
    sets         by namespace, without their elements
    elements     by namespace and set
    """

    base: int
    revision: int
    namespaces: Differences[Namespace] | None = None
    routes: dict[str, Differences[Route]] = {}
    sets: dict[str, Difference[ElementSet]] = {}
    elements: dict[str, dict[str, Differences[Element]]] = {}
    links: Differences[Link] | None = None
    zones: Difference[NameZone] | None = None
    resolvers: Difference[Resolver] | None = None
    tasks: Difference[TaskProgram] | None = None
    balancers: Difference[BalancerProgram] | None = None


def host_change(old: HostProgram, new: HostProgram) -> HostChange:
    """What must be told to somebody who has `old`."""
    before, after = old.network, new.network
    routes, sets, elements = {}, {}, {}
    gone, come = differing(before.namespaces, after.namespaces)
    known = {namespace.name: namespace for namespace in gone}
    for namespace in come:
        elder = known.get(namespace.name)
        if lines := differences(elder.routes if elder else (), namespace.routes, _route_key):
            routes[namespace.name] = lines
        if bare := difference(_bare_sets(elder), _bare_sets(namespace), _name):
            sets[namespace.name] = bare
        if inner := _element_differences(_sets(elder), _sets(namespace)):
            elements[namespace.name] = inner
    return HostChange(
        base=old.revision,
        revision=new.revision,
        namespaces=differences(before.namespaces, after.namespaces, _name, _bare),
        routes=routes,
        sets=sets,
        elements=elements,
        links=differences(before.links, after.links, _link_key),
        zones=difference(before.zones, after.zones, _id),
        resolvers=difference(before.resolvers, after.resolvers, _resolver_key),
        tasks=difference(old.tasks, new.tasks, _id),
        balancers=difference(old.balancers, new.balancers, _id),
    )


def changed_host(old: HostProgram, change: HostChange) -> HostProgram:
    """The program after the change.  Raises LookupError when the change was made from another one."""
    if change.base != old.revision:
        raise LookupError(f"a change of revision {change.base} does not fit revision {old.revision}")
    before = old.network
    network = NetworkProgram(
        namespaces=_whole_namespaces(before.namespaces, change),
        links=rearranged(before.links, change.links, _link_key),
        zones=changed(before.zones, change.zones, _id),
        resolvers=changed(before.resolvers, change.resolvers, _resolver_key),
    )
    return HostProgram(
        revision=change.revision,
        network=network,
        tasks=changed(old.tasks, change.tasks, _id),
        balancers=changed(old.balancers, change.balancers, _id),
    )


def differences(
    old: Series[T], new: Series[T], key: Callable[[T], str], shown: Callable[[T], T] = lambda item: item
) -> Differences[T] | None:
    """None when there is none.  What is `shown` of items is told, of the rest only on which shelves it is."""
    before, after = shelves_of(old), shelves_of(new)
    count = len(after) if isinstance(new, Shelves) else None
    others = [place for place in other_shelves(old, new) if place < len(after)]
    found = {
        place: difference(before[place] if place < len(before) else (), after[place], key, shown)
        for place in others
    }
    told = {place: each for place, each in found.items() if each is not None}
    if not told and old == new:
        return None
    return Differences(shelves={place: told.get(place) or Difference() for place in others}, count=count)


def rearranged(old: Series[T], change: Differences[T] | None, key: Callable[[T], str]) -> Series[T]:
    """`new`, from `old` and their differences, as it is `shown`."""
    if change is None:
        return old
    count = 1 if change.count is None else change.count
    before = shelves_of(old)
    shelves = [*before[:count], *[()] * (count - len(before))]
    for place, each in change.shelves.items():
        shelves[place] = changed(shelves[place], each, key)
    return shelves[0] if change.count is None else Shelves(tuple(shelves))


def difference(
    old: tuple[T, ...],
    new: tuple[T, ...],
    key: Callable[[T], str],
    shown: Callable[[T], T] = lambda item: item,
) -> Difference[T] | None:
    """None when there is none.  Costs little where the items are the same objects."""
    if old is new:
        return None
    first, last = common_ends(old, new)
    inner_old, inner_new = old[first : len(old) - last], new[first : len(new) - last]
    places = {key(item): item for item in inner_old}
    names = [key(item) for item in inner_new]
    put, at, fresh = [], [], set()
    for index, (name, item) in enumerate(zip(names, inner_new, strict=True), first):
        elder = places.get(name)
        if elder is item or (elder is not None and shown(elder) == shown(item)):
            continue
        put.append(shown(item))
        at.append(index if elder is None else -1)
        if elder is None:
            fresh.add(name)
    gone = places.keys() - set(names)
    if [name for name in places if name not in gone] != [name for name in names if name not in fresh]:
        return Difference(put=tuple(map(shown, new)), at=tuple(range(len(new))), whole=True)
    if not put and not gone:
        return None
    return Difference(put=tuple(put), at=tuple(at), gone=tuple(sorted(gone)))


def changed(old: tuple[T, ...], change: Difference[T] | None, key: Callable[[T], str]) -> tuple[T, ...]:
    """`new`, from `old` and their difference."""
    if change is None:
        return old
    if change.whole:
        return change.put
    ordered = list(old)
    if change.gone or -1 in change.at:
        leaving = set(change.gone)
        items = {name: item for item in old if (name := key(item)) not in leaving}
        for item, index in zip(change.put, change.at, strict=True):
            if index < 0:
                items[key(item)] = item
        ordered = list(items.values())
    for item, index in zip(change.put, change.at, strict=True):
        if index >= 0:
            ordered.insert(index, item)
    return tuple(ordered)


def _bare(namespace: Namespace) -> Namespace:
    policy = replace(namespace.policy, sets=()) if namespace.policy else None
    return replace(namespace, routes=(), policy=policy)


def _sets(namespace: Namespace | None) -> tuple[ElementSet, ...]:
    return namespace.policy.sets if namespace is not None and namespace.policy is not None else ()


def _bare_sets(namespace: Namespace | None) -> tuple[ElementSet, ...]:
    return tuple(replace(contents, elements=()) for contents in _sets(namespace))


def _element_differences(
    old: tuple[ElementSet, ...], new: tuple[ElementSet, ...]
) -> dict[str, Differences[Element]]:
    known = {contents.name: contents for contents in old}
    found = {}
    for contents in new:
        elder = known.get(contents.name)
        if contents is not elder:
            inner = differences(elder.elements if elder else (), contents.elements, _element_key)
            if inner is not None:
                found[contents.name] = inner
    return found


def _whole_namespaces(before: Series[Namespace], change: HostChange) -> Series[Namespace]:
    """Only on the shelves that the change names, or that are no more, is there one that is another."""
    if change.namespaces is None:
        return before
    bare = rearranged(before, change.namespaces, _name)
    places, elders, shelves = change.namespaces.shelves, shelves_of(before), shelves_of(bare)
    concerned = {*places, *range(len(shelves), len(elders))}
    known = {n.name: n for place, shelf in enumerate(elders) if place in concerned for n in shelf}
    whole = {
        place: tuple(_whole_namespace(n, known.get(n.name), change) for n in shelves[place])
        for place in places
    }
    return replaced(bare, whole) if isinstance(bare, Shelves) else whole.get(0, bare)


def _whole_namespace(namespace: Namespace, known: Namespace | None, change: HostChange) -> Namespace:
    """With the routes and sets it had or was given; `namespace` is `known` itself where it was not put."""
    routes = rearranged(known.routes if known else (), change.routes.get(namespace.name), _route_key)
    sets = _whole_sets(known, namespace.name, change)
    if known is not None and namespace is known and routes is known.routes and sets is _sets(known):
        return known
    policy = replace(namespace.policy, sets=sets) if namespace.policy else None
    return replace(namespace, routes=routes, policy=policy)


def _whole_sets(known: Namespace | None, name: str, change: HostChange) -> tuple[ElementSet, ...]:
    frames, contents = change.sets.get(name), change.elements.get(name, {})
    if frames is None and not contents:
        return _sets(known)
    elders = {elder.name: elder for elder in _sets(known)}
    found = []
    for frame in changed(_sets(known), frames, _name):
        elder = elders.get(frame.name)
        elements = rearranged(elder.elements if elder else (), contents.get(frame.name), _element_key)
        same = frame is elder and elements is frame.elements
        found.append(frame if same else replace(frame, elements=elements))
    return tuple(found)


def _name(item: Namespace | ElementSet) -> str:
    return item.name


def _id(item: TaskProgram | NameZone | BalancerProgram) -> str:
    return item.id


def _element_key(element: Element) -> str:
    return element.key


def _route_key(route: Route) -> str:
    return f"{route.table} {route.destination}"


def _link_key(link: Link) -> str:
    return f"{link.router.namespace}/{link.router.name}"


def _resolver_key(resolver: Resolver) -> str:
    return f"{resolver.namespace}/{','.join(resolver.addresses)}"
