"""The difference between what is and what shall be, as steps in an order that never lets a packet by.

Links that go are silenced first.  A new link's router end comes up with its routes while its other end is
still down; then policy; then the other end.  What is stale goes last.  Pure.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from seawall.host.network import rtnetlink as rt
from seawall.host.network.netlink import Message
from seawall.host.network.state import NO_FACT, LinkFact, NamespaceFact, RouteFact, State, Wanted, wanted_of
from seawall.program.network import Link, Namespace, NetworkProgram, PacketPolicy


class Create(NamedTuple):
    """`sysctls` are set right after."""

    namespace: str
    owned: bool
    sysctls: tuple[tuple[str, str], ...] = ()


class SetSysctls(NamedTuple):
    namespace: str
    values: tuple[tuple[str, str], ...]


class Join(NamedTuple):
    """Make a link, both ends down."""

    link: Link


class Send(NamedTuple):
    """Netlink messages for one namespace.  `behind` are namespaces whose policy must stand before."""

    namespace: str
    messages: tuple[Message, ...]
    behind: tuple[str, ...] = ()


class SetPolicy(NamedTuple):
    namespace: str
    policy: PacketPolicy | None


class Remove(NamedTuple):
    namespace: str


class Awake(NamedTuple):
    """Wait until the kernel hears under these IPv6 addresses: it makes their routes in its own time."""

    namespace: str
    addresses: tuple[str, ...]


class Bury(NamedTuple):
    """Delete the doomed links of a namespace, some time: they are silent already, and the kernel is slow."""

    namespace: str


Step = Create | SetSysctls | Join | Send | SetPolicy | Remove | Awake | Bury


def plan(seen: State, program: NetworkProgram) -> list[Step]:
    """The steps from what was seen to the program; none when it is in force."""
    return steps_to(seen, wanted_of(program))


def steps_to(seen: State, wanted: Wanted) -> list[Step]:
    """As `plan`, with the facts of the program."""
    state = wanted.state
    others = [name for name in {**state, **seen} if seen.get(name) != state.get(name)]
    missing = _missing(seen, wanted, others)
    doomed = _doomed(seen, wanted, missing, others)
    survivors = seen | {name: _without(seen[name], devices) for name, devices in doomed.items()}
    changed = [
        wanted.namespaces[name]
        for name in dict.fromkeys((*others, *doomed))
        if name in state and survivors.get(name) != state[name]
    ]
    steps: list[Step] = []
    for name, devices in doomed.items():
        steps.append(Send(name, tuple(rt.doom_link(seen[name].links[device].number) for device in devices)))
        if name in state and not state[name].links.keys().isdisjoint(devices):
            steps.append(Send(name, (rt.delete_doomed(),)))  # its name and number are needed again
    for namespace in changed:
        steps += _ground(namespace, seen.get(namespace.name), state[namespace.name])
    steps += [Join(link) for link in missing]
    devices_of = {n.name: _other_devices(survivors.get(n.name, NO_FACT), state[n.name]) for n in changed}
    steps += [_ends_up(name, survivors, wanted, own, host_ends=False) for name, own in devices_of.items()]
    steps += [
        SetPolicy(n.name, n.policy)
        for n in changed
        if survivors.get(n.name, NO_FACT).policy != state[n.name].policy
    ]
    for name, own in devices_of.items():
        send = _ends_up(name, survivors, wanted, own, host_ends=True)
        if send.messages:
            peers = {link.router.namespace for link in wanted.links[name].values()}
            steps.append(send._replace(behind=(*sorted((peers & devices_of.keys()) - {name}), name)))
    steps += _settle(devices_of, survivors, wanted)
    steps += [
        Awake(name, fresh)
        for name, own in devices_of.items()
        if (fresh := _new_ipv6(survivors.get(name, NO_FACT), state[name], own))
    ]
    for name, own in devices_of.items():
        steps.append(Send(name, tuple(_stale(survivors.get(name), state[name], own))))
    steps += [Remove(name) for name in others if name not in state]
    steps += [Bury(name) for name in doomed if name in state]
    return [step for step in steps if not isinstance(step, Send) or step.messages]


def _missing(seen: State, wanted: Wanted, others: Iterable[str]) -> list[Link]:
    """Links of which an end is not there, or not as it shall be."""
    missing: dict[tuple[str, str], Link] = {}
    for name in [name for name in others if name in wanted.state]:
        was, fact = seen.get(name, NO_FACT), wanted.state[name]
        for device in _other_devices(was, fact):
            found = was.links.get(device)
            if found is None or found[:4] != fact.links[device][:4]:
                link = wanted.links[name][device]
                missing[link.router.namespace, link.router.name] = link
    return list(missing.values())


def _other_devices(was: NamespaceFact, fact: NamespaceFact) -> list[str]:
    """Devices of a namespace of which the facts are others than they were."""
    return [device for device, end in fact.links.items() if was.links.get(device) != end]


def _doomed(
    seen: State, wanted: Wanted, missing: Iterable[Link], others: Iterable[str]
) -> dict[str, list[str]]:
    """Devices to delete: all but the ends of the links that stand.

    One end alone can still show for a while: the kernel takes down a namespace that nothing holds in its own
    time, and the pairs into it only then.
    """
    renewed: dict[str, set[str]] = {}
    for link in missing:
        for end in (link.router, link.host):
            renewed.setdefault(end.namespace, set()).add(end.name)
    doomed = {}
    for name in dict.fromkeys((*others, *renewed)):
        if name in seen:
            fact, target = seen[name], wanted.state.get(name, NO_FACT)
            again = renewed.get(name, set()) & fact.links.keys()
            doomed[name] = sorted((fact.links.keys() - target.links.keys()) | again)
    return {name: devices for name, devices in doomed.items() if devices}


def _without(fact: NamespaceFact, devices: Iterable[str]) -> NamespaceFact:
    """The facts after some devices went: their routes go with them."""
    gone = set(devices)
    if not gone:
        return fact
    return fact._replace(
        links={device: link for device, link in fact.links.items() if device not in gone},
        routes=frozenset(route for route in fact.routes if route.device not in gone),
    )


def _ground(namespace: Namespace, seen: NamespaceFact | None, wanted: NamespaceFact) -> Iterator[Step]:
    """The namespace itself, before anything is linked to it."""
    if seen is None:
        yield Create(namespace.name, namespace.owned, namespace.sysctls)
        yield Send(namespace.name, (rt.link_up(rt.LOOPBACK),))
    had = seen.sysctls if seen else frozenset()
    settings = tuple(pair for pair in namespace.sysctls if pair not in had)
    if settings:
        yield SetSysctls(namespace.name, settings)
    new = wanted.addresses - (seen.addresses if seen else frozenset())
    yield Send(namespace.name, tuple(rt.address(rt.LOOPBACK, cidr) for cidr in sorted(new)))


def _is_host_end(namespace: str, device: str, link: Link) -> bool:
    return (link.host.namespace, link.host.name) == (namespace, device)


def _ends_up(name: str, survivors: State, wanted: Wanted, devices: Iterable[str], *, host_ends: bool) -> Send:
    """Devices of one sort, then the routes through them; with the routers' ends those through none."""
    was, fact, links = survivors.get(name, NO_FACT), wanted.state[name], wanted.links[name]
    messages: list[Message] = []
    for device in devices:
        old, end = was.links.get(device), fact.links[device]
        if old != end and _is_host_end(name, device, links[device]) == host_ends:
            messages += _device_up(links[device], end, old, host_end=host_ends)
    routes = fact.routes - was.routes if fact.routes is not was.routes else ()
    for route in sorted(routes, key=str):
        sort = route.device is not None and (
            _is_host_end(name, route.device, links[route.device]) if route.device in links else None
        )
        if sort == host_ends:
            messages.append(_route(route, fact, add=True))
    if not host_ends:
        messages += [rt.rule(*rule) for rule in sorted(fact.rules - was.rules, key=str)]
    return Send(name, tuple(messages))


def _device_up(link: Link, fact: LinkFact, old: LinkFact | None, *, host_end: bool) -> Iterator[Message]:
    if old is None:
        yield rt.describe_link(fact.number, link.origin)
        if (link.host if host_end else link.router).proxy_arp:
            yield rt.no_proxy_delay(fact.number)
    for cidr in sorted(fact.addresses - (old.addresses if old else frozenset())):
        yield rt.address(fact.number, cidr)
    if old is None or not old.up:
        yield rt.link_up(fact.number)
    for host, mac in sorted(fact.neighbours - (old.neighbours if old else frozenset())):
        yield rt.neighbour(fact.number, host, mac)


def _new_ipv6(was: NamespaceFact, wanted: NamespaceFact, devices: Sequence[str]) -> tuple[str, ...]:
    """`devices` are those that changed."""
    had, has = (
        fact.addresses.union(*(fact.links[device].addresses for device in devices if device in fact.links))
        for fact in (was, wanted)
    )
    return tuple(sorted(cidr.partition("/")[0] for cidr in has - had if ":" in cidr))


def _settle(devices_of: Mapping[str, Iterable[str]], was: State, wanted: Wanted) -> list[Step]:
    """Wait for the carrier of every link that has come up: the router's end came up before the other, and
    IPv6 looks at the other's, too.
    """
    fresh: dict[str, set[int]] = {}
    for name, devices in devices_of.items():
        had = was.get(name, NO_FACT).links
        for device in devices:
            end = had.get(device)
            if end is None or not end.up:
                link = wanted.links[name][device]
                for side in (link.router, link.host):
                    fresh.setdefault(side.namespace, set()).add(side.ifindex)
    return [Send(name, tuple(map(rt.settle_link, sorted(found)))) for name, found in fresh.items()]


def _stale(was: NamespaceFact | None, wanted: NamespaceFact, devices: Iterable[str]) -> Iterator[Message]:
    if was is None:
        return
    for rule in was.rules - wanted.rules:
        yield rt.rule(*rule, add=False)
    gone = was.routes - wanted.routes
    kept = {(route.table, route.destination) for route in wanted.routes} if gone else set()
    for route in gone:
        if (route.table, route.destination) not in kept:
            yield _route(route, was, add=False)
    for cidr in was.addresses - wanted.addresses:
        yield rt.address(rt.LOOPBACK, cidr, add=False)
    for device in devices:
        target = wanted.links[device]
        link = was.links.get(device, target)
        for cidr in link.addresses - target.addresses:
            yield rt.address(link.number, cidr, add=False)
        for host, mac in link.neighbours - target.neighbours:
            if host not in {h for h, _ in target.neighbours}:
                yield rt.neighbour(link.number, host, mac, add=False)


def _route(route: RouteFact, fact: NamespaceFact, *, add: bool) -> Message:
    index = fact.links[route.device].number if route.device else None
    return rt.route(route.destination, route.table, index, route.via, add=add)
