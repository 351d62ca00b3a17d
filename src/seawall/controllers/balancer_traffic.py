"""What went through load balancers and how their targets are, as CloudWatch's metrics.

Traffic is published as it is told, every few seconds; the health of targets once a minute.  Sources: guides
of application and network load balancers, "CloudWatch metrics" and their dimensions.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Iterator

from seawall.compile.balancer.log_line import Request, Unfinished, parse
from seawall.compile.balancer.metrics import Measured, application_metrics, network_metrics
from seawall.compile.balancer.text import target_group_id
from seawall.controllers.loop import After, Context, Done, Reconciler, reconciler
from seawall.model.load_balancer import LoadBalancer, LoadBalancerNode
from seawall.model.resource import Ref
from seawall.model.target_group import Target
from seawall.program.report import BalancerTraffic
from seawall.store.metrics import Metric, Statistics, dimensions_of

log = logging.getLogger("seawall.controllers")

EVERY_S = 60.0
_NAMESPACES = {"application": "AWS/ApplicationELB", "network": "AWS/NetworkELB"}
_WITHOUT_BALANCER = "RequestCountPerTarget"  # is published for the target group alone too


def publish(traffic: BalancerTraffic, context: Context) -> None:
    """What one node told, if it is a node of a load balancer that there still is."""
    found = node_of(traffic.id, context)
    if found is None or context.metrics is None:
        return
    balancer, node = found
    if balancer.type == "network":
        measured = network_metrics(traffic.counters)
    else:
        groups = {
            target_group_id(proxy) for proxy, _, _, _ in traffic.counters if "/" in target_group_id(proxy)
        }
        healthy = {group: _healthy(group, context) for group in groups}
        measured = application_metrics(traffic.counters, list(_parsed(traffic)), healthy)
    now = int(context.clock.now().timestamp())
    context.metrics.add(
        point for one in measured for point in points_of(one, balancer, node.availability_zone, now)
    )


def reconcile(balancer_id: str, context: Context) -> Done | After:
    """How many targets each node finds healthy, and how many not."""
    balancer = context.store.find(LoadBalancer, balancer_id)
    if balancer is None or balancer.deleting:
        return Done()
    if balancer.state == "active" and context.metrics is not None:
        now = int(context.clock.now().timestamp())
        context.metrics.add(
            point
            for zone, one in _health(balancer, context.store.all(Target))
            for point in points_of(one, balancer, zone, now)
        )
    return After(EVERY_S)


def _health(balancer: LoadBalancer, targets: Iterable[Target]) -> Iterator[tuple[str, Measured]]:
    counts: Counter[tuple[str, str, bool]] = Counter()
    for target in targets:
        for node in balancer.nodes:
            state = target.load_balancer_nodes.get(node.network_interface_id)
            if state in ("healthy", "unhealthy") and target.draining_until is None:
                counts[node.availability_zone, target.target_group_id, state == "healthy"] += 1
                counts[node.availability_zone, target.target_group_id, state != "healthy"] += 0
    for (zone, group, healthy), count in sorted(counts.items()):
        name = "HealthyHostCount" if healthy else "UnHealthyHostCount"
        yield zone, Measured(name, group, "Count", 1, count, count, count)


def node_of(interface: str, context: Context) -> tuple[LoadBalancer, LoadBalancerNode] | None:
    """Whose node an interface is."""
    for balancer in context.store.referrers(LoadBalancer, Ref("network_interface", interface)):
        for node in balancer.nodes:
            if node.network_interface_id == interface:
                return balancer, node
    return None


def _healthy(group: str, context: Context) -> int:
    targets = context.store.referrers(Target, Ref("target_group", group))
    return sum(target.state == "healthy" for target in targets)


def _parsed(traffic: BalancerTraffic) -> Iterator[Request | Unfinished]:
    for line in traffic.lines:
        try:
            yield parse(line)
        except ValueError as error:
            log.warning("balancer.line_unread", extra={"balancer": traffic.id, "error": str(error)})


def points_of(
    one: Measured, balancer: LoadBalancer, zone: str, time: int
) -> Iterator[tuple[Metric, Statistics]]:
    """One measurement under all the dimensions it is published with."""
    statistics = Statistics(time, one.seen, one.total, one.least, one.most, one.unit)
    bases = [{"LoadBalancer": balancer.id}]
    if one.target_group is not None:
        group = {"TargetGroup": f"targetgroup/{one.target_group}"}
        bases = [bases[0] | group, *([group] if one.name == _WITHOUT_BALANCER else [])]
    for base in bases:
        for dimensions in (base, base | {"AvailabilityZone": zone}):
            yield Metric(_NAMESPACES[balancer.type], one.name, dimensions_of(dimensions)), statistics


def _keys(context: Context, changed: Ref) -> Iterable[str]:
    return (changed.id,)


def _all(context: Context) -> Iterable[str]:
    """A fresh start, from which on what nodes tell is listened to."""
    context.host.on_traffic(lambda traffic: publish(traffic, context))
    return [balancer.id for balancer in context.store.all(LoadBalancer)]


def _none(context: Context) -> Iterable[str]:
    return ()


reconciler(
    Reconciler(
        name="balancer_traffic",
        run=reconcile,
        kinds=frozenset({"load_balancer"}),
        keys=_keys,
        all_keys=_all,
        on_host=_none,
    )
)
