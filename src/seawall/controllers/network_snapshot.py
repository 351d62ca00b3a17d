"""The parts of the store that the network and load balancers are compiled from, as frozen values."""

from typing import get_args, get_origin

import msgspec

from seawall.compile.balancer.facts import BalancerFacts
from seawall.compile.network.snapshot import NetworkSnapshot
from seawall.controllers.loop import Context
from seawall.model.listener import Certificate

RESOURCES = {
    field.name: get_args(field.type)[0]
    for field in msgspec.structs.fields(NetworkSnapshot)
    if get_origin(field.type) is tuple
}
NETWORK_KINDS = frozenset(kind.KIND for kind in RESOURCES.values())
BALANCER_KINDS = frozenset(
    {"load_balancer", "listener", "listener_rule", "target_group", "target", "certificate"}
)


def network_snapshot(context: Context) -> NetworkSnapshot:
    """Everything the network is made of, at this moment."""
    return NetworkSnapshot(
        **{name: tuple(context.store.all(kind)) for name, kind in RESOURCES.items()},
        region=context.region,
        account=context.account,
        services=context.services,
        uplink=context.uplink,
    )


def balancer_facts(context: Context, snapshot: NetworkSnapshot) -> BalancerFacts:
    """What load balancers are made of; nothing, at no cost, where there are none."""
    going = {b.id for b in snapshot.load_balancers if b.deleting}
    standing = [b for b in snapshot.load_balancers if b.id not in going]
    if not standing:
        return BalancerFacts()
    own = {node.network_interface_id for balancer in standing for node in balancer.nodes}
    return BalancerFacts(
        load_balancers=tuple(standing),
        listeners=tuple(each for each in snapshot.listeners if each.load_balancer_id not in going),
        listener_rules=snapshot.listener_rules,
        target_groups=snapshot.target_groups,
        targets=snapshot.targets,
        certificates=tuple(context.store.all(Certificate)),
        network_interfaces=tuple(i for i in snapshot.network_interfaces if i.id in own),
    )
