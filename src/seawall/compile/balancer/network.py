"""What of a network load balancer's node an engine does: ending TLS, and telling targets of clients.

All else its namespace does by itself: addresses are rewritten, packets go straight to a target.  An engine's
connections to targets come from the node's address; so `preserve_client_ip.enabled` is not for these.
Sources: Network Load Balancers user guide, "Listeners", "Target groups for your Network Load Balancers".
"""

from collections.abc import Mapping, Sequence

from seawall.compile.balancer.actions import shares
from seawall.compile.balancer.listener import final_action
from seawall.compile.balancer.text import frontend_name, pool_name
from seawall.compile.balancer.tls import bind_options, certificate_files
from seawall.model.listener import Certificate, Listener
from seawall.model.target_group import TargetGroup
from seawall.program.balancer import BalancerFile

CONNECT_S = 10
IDLE_S = 350


def engine_listeners(
    listeners: Sequence[Listener], groups: Mapping[str, TargetGroup]
) -> tuple[Listener, ...]:
    """Those that an engine has to serve; groups by id."""
    return tuple(listener for listener in listeners if listener.protocol == "TLS" or _tells(listener, groups))


def _tells(listener: Listener, groups: Mapping[str, TargetGroup]) -> bool:
    """A PROXY header goes before what a client says."""
    return listener.protocol == "TCP" and any(
        groups[group].attributes.get("proxy_protocol_v2.enabled") == "true"
        for group in forwarded_to(listener)
        if group in groups
    )


def forwarded_to(listener: Listener) -> tuple[str, ...]:
    """The ids of its target groups; one of weight 0 among others gets nothing."""
    groups = final_action(listener.default_actions).target_groups
    return tuple(group.target_group_id for group in groups if group.weight or len(groups) == 1)


def configuration(
    served: Sequence[Listener], groups: Mapping[str, TargetGroup], addresses: Sequence[str]
) -> str:
    """Of a node with these addresses, for the listeners that an engine serves."""
    lines = ["defaults", *(f"  {line}" for line in _defaults())]
    used: dict[str, TargetGroup] = {}
    for listener in served:
        lines += _frontend(listener, addresses)
        used |= {group: groups[group] for group in forwarded_to(listener) if group in groups}
    for group in used.values():
        lines += _backend(group)
    return "".join(f"{line}\n" for line in lines)


def files(served: Sequence[Listener], certificates: Mapping[str, Certificate]) -> tuple[BalancerFile, ...]:
    return certificate_files(served, certificates)


def _defaults() -> list[str]:
    return [
        "mode tcp",
        f"timeout connect {CONNECT_S * 1000 // 2}ms",
        "retries 1",
        "option redispatch 1",
    ]


def _frontend(listener: Listener, addresses: Sequence[str]) -> list[str]:
    idle = int(listener.attributes.get("tcp.idle_timeout.seconds", str(IDLE_S)))
    options = bind_options(listener, {})
    groups = final_action(listener.default_actions).target_groups
    receiving = [group for group in groups if group.weight or len(groups) == 1]
    return [
        f"frontend {frontend_name(listener.id)}",
        *(f"  bind {address}:{listener.port} {options}".rstrip() for address in addresses),
        f"  timeout client {idle}s",
        *(f"  {line}" for line in shares(receiving)),
    ]


def _backend(group: TargetGroup) -> list[str]:
    """Flows are spread as a hash would, without a pattern; or each client stays with one target."""
    sticky = group.attributes.get("stickiness.enabled") == "true"
    balance = ["balance source", "hash-type consistent"] if sticky else ["balance random(1)"]
    return [
        f"backend {pool_name(group.id)}",
        *(f"  {line}" for line in balance),
        f"  timeout server {IDLE_S}s",
        f"  timeout tunnel {IDLE_S}s",
    ]
