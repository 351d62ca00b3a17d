"""What the nodes of load balancers are compiled from: everything that concerns them, at one moment."""

import msgspec

from seawall.model.listener import Certificate, Listener, ListenerRule
from seawall.model.load_balancer import LoadBalancer
from seawall.model.network_interface import NetworkInterface
from seawall.model.target_group import Target, TargetGroup


class BalancerFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Resources of one account and region, of all load balancers that have nodes here.

    network_interfaces   those of the nodes; a node without one (yet) is no node.  Others do not matter
    """

    load_balancers: tuple[LoadBalancer, ...] = ()
    listeners: tuple[Listener, ...] = ()
    listener_rules: tuple[ListenerRule, ...] = ()
    target_groups: tuple[TargetGroup, ...] = ()
    targets: tuple[Target, ...] = ()
    certificates: tuple[Certificate, ...] = ()
    network_interfaces: tuple[NetworkInterface, ...] = ()
