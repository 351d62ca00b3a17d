"""One program for each node of each load balancer."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from seawall.compile.balancer import application, network
from seawall.compile.balancer.facts import BalancerFacts
from seawall.compile.balancer.pools import pool
from seawall.compile.balancer.tls import can_serve
from seawall.compile.network.memory import Memory
from seawall.model.listener import Action, Certificate, Listener, ListenerRule
from seawall.model.load_balancer import LoadBalancer, LoadBalancerNode
from seawall.model.network_interface import NetworkInterface
from seawall.model.target_group import Target, TargetGroup
from seawall.program.balancer import BalancerFile, BalancerProgram, Pool

_T = TypeVar("_T")


class _Balancer(NamedTuple):
    """Everything that concerns one load balancer.

    rules       by listener
    groups      that its listeners forward to
    targets     by group
    addresses   of the nodes of the load balancers that are targets
    """

    balancer: LoadBalancer
    listeners: tuple[Listener, ...]
    rules: dict[str, tuple[ListenerRule, ...]]
    groups: tuple[TargetGroup, ...]
    targets: dict[str, tuple[Target, ...]]
    certificates: dict[str, Certificate]
    addresses: dict[str, tuple[str, ...]]
    interfaces: tuple[NetworkInterface, ...]


class _Engine(NamedTuple):
    """groups   the ids of those that the configuration has backends for
    tells    it writes a line of each request
    """

    configuration: str = ""
    files: tuple[BalancerFile, ...] = ()
    groups: frozenset[str] = frozenset()
    tells: bool = False


def balancer_programs(facts: BalancerFacts, memory: Memory | None = None) -> tuple[BalancerProgram, ...]:
    """What each node shall do, by the id of its interface.

    memory   of the caller's last compilation: what did not change is the same object again
    """
    memory = memory or Memory()
    memory.turn()
    programs: list[BalancerProgram] = []
    for whole in _by_balancer(facts):
        interfaces = {interface.id: interface for interface in whole.interfaces}
        for node in whole.balancer.nodes:
            interface = interfaces.get(node.network_interface_id)
            if interface is not None:
                programs.append(_program(memory, whole, node, interface))
    return tuple(programs)


def _program(
    memory: Memory, whole: _Balancer, node: LoadBalancerNode, interface: NetworkInterface
) -> BalancerProgram:
    """Targets come and go without the engine's text being made again."""
    addresses = (interface.private_ip_address, *interface.ipv6_addresses)
    engine = memory.recall(
        ("engine", interface.id),
        _engine,
        whole.balancer,
        whole.listeners,
        whole.rules,
        whole.groups,
        whole.certificates,
        addresses,
    )
    pools = tuple(
        memory.recall(
            ("pool", interface.id, group.id),
            pool,
            whole.balancer,
            node.availability_zone,
            group,
            whole.targets[group.id],
            whole.addresses,
            group.id in engine.groups,
        )
        for group in whole.groups
    )
    return memory.recall(("program", interface.id), _joined, interface.id, engine, pools)


def _joined(id: str, engine: _Engine, pools: tuple[Pool, ...]) -> BalancerProgram:
    return BalancerProgram(
        id=id,
        namespace=id,
        configuration=engine.configuration,
        files=engine.files,
        pools=pools,
        log=engine.tells,
    )


def _engine(
    balancer: LoadBalancer,
    listeners: tuple[Listener, ...],
    rules: Mapping[str, Sequence[ListenerRule]],
    groups: tuple[TargetGroup, ...],
    certificates: Mapping[str, Certificate],
    addresses: tuple[str, ...],
) -> _Engine:
    if balancer.type == "application":
        text = application.configuration(balancer, listeners, rules, groups, certificates, addresses)
        files = application.files(listeners, certificates)
        return _Engine(text, files, frozenset(group.id for group in groups), tells=True)
    known = {group.id: group for group in groups}
    wanted = network.engine_listeners(listeners, known)
    served = [listener for listener in wanted if can_serve(listener, certificates)]
    if not served:
        return _Engine()
    return _Engine(
        network.configuration(served, known, addresses),
        network.files(served, certificates),
        frozenset(group for listener in served for group in network.forwarded_to(listener)),
    )


def _by_balancer(facts: BalancerFacts) -> Iterable[_Balancer]:
    interfaces = {interface.id: interface for interface in facts.network_interfaces}
    listeners = _grouped(facts.listeners, lambda listener: listener.load_balancer_id)
    rules = _grouped(facts.listener_rules, lambda rule: rule.listener_id)
    targets = _grouped(facts.targets, lambda target: target.target_group_id)
    groups = {group.id: group for group in facts.target_groups}
    certificates = {certificate.arn: certificate for certificate in facts.certificates}
    addresses = {
        balancer.id: tuple(interfaces[i].private_ip_address for i in _nodes(balancer) if i in interfaces)
        for balancer in facts.load_balancers
    }
    for balancer in facts.load_balancers:
        if balancer.deleting:
            continue
        own = tuple(sorted(listeners.get(balancer.id, ()), key=lambda listener: listener.port))
        used = _used_groups(own, rules, groups)
        yield _Balancer(
            balancer=balancer,
            listeners=own,
            rules={listener.id: rules.get(listener.id, ()) for listener in own},
            groups=used,
            targets={group.id: targets.get(group.id, ()) for group in used},
            certificates={
                arn: certificates[arn]
                for listener in own
                for arn in listener.certificate_arns
                if arn in certificates
            },
            addresses={
                target.target: addresses.get(target.target, ())
                for group in used
                if group.target_type == "alb"
                for target in targets.get(group.id, ())
            },
            interfaces=tuple(interfaces[i] for i in _nodes(balancer) if i in interfaces),
        )


def _nodes(balancer: LoadBalancer) -> Sequence[str]:
    return [node.network_interface_id for node in balancer.nodes]


def _grouped(items: Iterable[_T], key: Callable[[_T], str]) -> Mapping[str, tuple[_T, ...]]:
    found: dict[str, list[_T]] = defaultdict(list)
    for item in items:
        found[key(item)].append(item)
    return {name: tuple(those) for name, those in found.items()}


def _used_groups(
    listeners: Iterable[Listener],
    rules: Mapping[str, tuple[ListenerRule, ...]],
    groups: Mapping[str, TargetGroup],
) -> tuple[TargetGroup, ...]:
    """Those that something is forwarded to, each once, in the order of their names."""
    actions: list[Action] = []
    for listener in listeners:
        actions += listener.default_actions
        for rule in rules.get(listener.id, ()):
            actions += rule.actions
    named = {group.target_group_id for action in actions for group in action.target_groups}
    return tuple(groups[name] for name in sorted(named) if name in groups)
