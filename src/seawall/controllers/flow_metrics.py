"""What the kernel did for each node of a network load balancer, once a minute, as metrics of AWS/NetworkELB.

The names of the counters are those that compile.network.network_balancer gives them; what engines did for TLS
comes by controllers.balancer_traffic and adds to it.  Not told, and so not published: ActiveFlowCount,
TCP_ELB_Reset_Count, ConsumedLCUs, PeakPacketsPerSecond, those of one protocol and of security groups.
Source: Network Load Balancers user guide, "CloudWatch metrics": what is always reported, also when it is 0.
"""

from collections.abc import Iterable, Mapping

from seawall.compile.balancer.metrics import Measured
from seawall.controllers.balancer_traffic import points_of
from seawall.controllers.counts import Tally
from seawall.controllers.loop import After, Context, Done, Reconciler, reconciler
from seawall.model.load_balancer import LoadBalancer, LoadBalancerNode
from seawall.model.resource import Ref
from seawall.program.report import Counter

EVERY_S = 60.0
_EVENTS = ("NewFlowCount", "TCP_Client_Reset_Count", "TCP_Target_Reset_Count", "PortAllocationErrorCount")


def reconcile(balancer_id: str, context: Context) -> Done | After:
    balancer = context.store.find(LoadBalancer, balancer_id)
    if balancer is None or balancer.type != "network":
        return Done()
    if balancer.deleting:
        for node in balancer.nodes:
            context.counts.forget(node.network_interface_id)
        return Done()
    if balancer.state == "provisioning" or not context.host.in_force:
        return Done()
    for node in balancer.nodes:
        _sample(balancer_id, node, context)
    return After(EVERY_S)


def _sample(balancer_id: str, node: LoadBalancerNode, context: Context) -> None:
    def heard(counters: tuple[Counter, ...] | None) -> None:
        balancer = context.store.find(LoadBalancer, balancer_id)
        if counters is None or balancer is None or balancer.deleting:
            return
        now = context.clock.now()
        came = context.counts.take(node.network_interface_id, context.host.world or "", counters, now)
        if context.metrics is not None:
            context.metrics.add(
                point
                for one in measured(came)
                for point in points_of(one, balancer, node.availability_zone, int(now.timestamp()))
            )

    context.host.read_counters(node.network_interface_id, heard)


def measured(came: Mapping[str, Tally]) -> list[Measured]:
    """CloudWatch's metrics from the counters of one node, by `ID/NAME` where ID has slashes of its own."""
    by_name = {origin.rpartition("/")[2]: tally for origin, tally in came.items()}
    values = [(name, "Count", by_name.get(name, Tally()).packets) for name in _EVENTS]
    values.append(("ProcessedBytes", "Bytes", by_name.get("ProcessedBytes", Tally()).bytes))
    return [Measured(name, None, unit, 1, value, value, value) for name, unit, value in values]


def _network(context: Context) -> list[LoadBalancer]:
    return [balancer for balancer in context.store.all(LoadBalancer) if balancer.type == "network"]


def _keys(context: Context, changed: Ref) -> Iterable[str]:
    return (changed.id,)


def _all(context: Context) -> Iterable[str]:
    found = _network(context)
    context.counts.older |= {node.network_interface_id for balancer in found for node in balancer.nodes}
    return [balancer.id for balancer in found]


def _unread(context: Context) -> Iterable[str]:
    """Those that nobody could read before the host had them."""
    if not context.host.in_force:
        return ()
    return [
        balancer.id
        for balancer in _network(context)
        if balancer.state != "provisioning"
        and not balancer.deleting
        and any(node.network_interface_id not in context.counts.totals for node in balancer.nodes)
    ]


reconciler(
    Reconciler(
        name="flow_metrics",
        run=reconcile,
        kinds=frozenset({"load_balancer"}),
        keys=_keys,
        all_keys=_all,
        on_host=_unread,
    )
)
