"""The difference between what is and what shall be, as steps in an order that never lets a packet by.

Links that go are silenced first.  A new link's router end comes up with its routes while its other end is
still down; then policy; then the other end.  What is stale goes last.  Pure.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from seawall.host.network import rtnetlink as rt
from seawall.host.network.netlink import Message
from seawall.host.network.state import NamespaceFact, RouteFact, State, state_of
from seawall.program.network import Link, Namespace, NetworkProgram, PacketPolicy


class Create(NamedTuple):
    namespace: str
    owned: bool


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


Step = Create | SetSysctls | Join | Send | SetPolicy | Remove
EMPTY = NamespaceFact(frozenset(), frozenset(), {}, frozenset(), frozenset(), None)


def plan(seen: State, program: NetworkProgram) -> list[Step]:
    """The steps from what was seen to the program; none when it is in force."""
    wanted = state_of(program)
    sound = [link for link in program.links if _stands(link, seen, wanted)]
    missing = [link for link in program.links if not _stands(link, seen, wanted)]
    doomed = _doomed(seen, sound)
    survivors = {name: _without(fact, doomed.get(name, ())) for name, fact in seen.items()}
    changed = [n for n in program.namespaces if survivors.get(n.name) != wanted[n.name]]
    steps: list[Step] = []
    for name, devices in doomed.items():
        steps.append(Send(name, tuple(rt.doom_link(seen[name].links[device].number) for device in devices)))
    # The links of a namespace that goes as a whole die with it, or with their other end here.
    steps += [Send(name, (rt.delete_doomed(),)) for name in doomed if name in wanted]
    for namespace in changed:
        steps += _ground(namespace, seen.get(namespace.name), wanted[namespace.name])
    steps += [Join(link) for link in missing]
    routers, hosts = _ends(program)
    names = {n.name for n in changed}
    for ends, behind in ((routers, False), (hosts, True)):
        for namespace in changed:
            was = survivors.get(namespace.name, EMPTY)
            links = ends.get(namespace.name, {})
            messages = tuple(_bring_up(namespace, was, wanted[namespace.name], links, not behind))
            guards = tuple({peer for _, peer in links.values() if peer in names}) if behind else ()
            steps.append(Send(namespace.name, messages, (*guards, namespace.name) if behind else ()))
        if not behind:
            steps += [
                SetPolicy(n.name, n.policy)
                for n in changed
                if survivors.get(n.name, EMPTY).policy != wanted[n.name].policy
            ]
    steps += _settle(program, survivors)
    for namespace in changed:
        steps.append(
            Send(namespace.name, tuple(_stale(survivors.get(namespace.name), wanted[namespace.name])))
        )
    steps += [Remove(name) for name in seen if name not in wanted]
    return [step for step in steps if not isinstance(step, Send) or step.messages]


def _stands(link: Link, seen: State, wanted: State) -> bool:
    """Both ends are there, as they shall be."""
    for end in (link.router, link.host):
        found = seen.get(end.namespace, EMPTY).links.get(end.name)
        if found is None or found[:4] != wanted[end.namespace].links[end.name][:4]:
            return False
    return True


def _doomed(seen: State, sound: Iterable[Link]) -> dict[str, list[str]]:
    """Devices to delete: all but the ends of the links that stand.

    One end alone can still show for a while: the kernel takes down a namespace that nothing holds in its own
    time, and the pairs into it only then.
    """
    kept = {(end.namespace, end.name) for link in sound for end in (link.router, link.host)}
    doomed = {name: [d for d in fact.links if (name, d) not in kept] for name, fact in seen.items()}
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
        yield Create(namespace.name, namespace.owned)
        yield Send(namespace.name, (rt.link_up(rt.LOOPBACK),))
    had = seen.sysctls if seen else frozenset()
    settings = tuple(pair for pair in namespace.sysctls if pair not in had)
    if settings:
        yield SetSysctls(namespace.name, settings)
    new = wanted.addresses - (seen.addresses if seen else frozenset())
    yield Send(namespace.name, tuple(rt.address(rt.LOOPBACK, cidr) for cidr in sorted(new)))


def _ends(
    program: NetworkProgram,
) -> tuple[dict[str, dict[str, tuple[Link, str]]], dict[str, dict[str, tuple[Link, str]]]]:
    """Router ends and host ends: namespace -> device -> (link, the namespace at its other end)."""
    routers: dict[str, dict[str, tuple[Link, str]]] = {}
    hosts: dict[str, dict[str, tuple[Link, str]]] = {}
    for link in program.links:
        routers.setdefault(link.router.namespace, {})[link.router.name] = (link, link.host.namespace)
        hosts.setdefault(link.host.namespace, {})[link.host.name] = (link, link.router.namespace)
    return routers, hosts


def _bring_up(
    namespace: Namespace,
    was: NamespaceFact,
    wanted: NamespaceFact,
    links: dict[str, tuple[Link, str]],
    with_rules: bool,
) -> Iterator[Message]:
    """Devices of one sort, then the routes through them (and, once, those through none)."""
    for device, (link, _) in links.items():
        fact, old = wanted.links[device], was.links.get(device)
        if old == fact:
            continue
        end = link.router if link.router.namespace == namespace.name else link.host
        if old is None:
            yield rt.describe_link(fact.number, link.origin)
        if old is None and end.proxy_arp:
            yield rt.no_proxy_delay(fact.number)
        for cidr in sorted(fact.addresses - (old.addresses if old else frozenset())):
            yield rt.address(fact.number, cidr)
        if old is None or not old.up:
            yield rt.link_up(fact.number)
        for host, mac in sorted(fact.neighbours - (old.neighbours if old else frozenset())):
            yield rt.neighbour(fact.number, host, mac)
    for route in sorted(wanted.routes - was.routes, key=str):
        if route.device in links or (with_rules and route.device is None):
            yield _route(route, wanted, add=True)
    if with_rules:
        for rule in sorted(wanted.rules - was.rules, key=str):
            yield rt.rule(*rule)


def _settle(program: NetworkProgram, was: State) -> list[Step]:
    """Wait for the carrier of every link that has come up: the router's end came up before the other."""
    fresh: dict[str, list[Message]] = {}
    for link in program.links:
        ends = [was.get(end.namespace, EMPTY).links.get(end.name) for end in (link.router, link.host)]
        if not all(end is not None and end.up for end in ends):
            fresh.setdefault(link.router.namespace, []).append(rt.settle_link(link.router.ifindex))
    return [Send(name, tuple(messages)) for name, messages in fresh.items()]


def _stale(was: NamespaceFact | None, wanted: NamespaceFact) -> Iterator[Message]:
    if was is None:
        return
    for rule in was.rules - wanted.rules:
        yield rt.rule(*rule, add=False)
    kept = {(route.table, route.destination) for route in wanted.routes}
    for route in was.routes:
        if (route.table, route.destination) not in kept:
            yield _route(route, was, add=False)
    for cidr in was.addresses - wanted.addresses:
        yield rt.address(rt.LOOPBACK, cidr, add=False)
    for device, link in was.links.items():
        target = wanted.links[device]
        for cidr in link.addresses - target.addresses:
            yield rt.address(link.number, cidr, add=False)
        for host, mac in link.neighbours - target.neighbours:
            if host not in {h for h, _ in target.neighbours}:
                yield rt.neighbour(link.number, host, mac, add=False)


def _route(route: RouteFact, fact: NamespaceFact, *, add: bool) -> Message:
    index = fact.links[route.device].number if route.device else None
    return rt.route(route.destination, route.table, index, route.via, add=add)
