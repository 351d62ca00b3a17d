"""What each NAT gateway did, once a minute, as CloudWatch's metrics of AWS/NATGateway.

The names of the counters are those that compile.network.nat_gateway gives them; ActiveConnectionCount is what
the kernel tracks at that moment.  Not published, because told by neither: IdleTimeoutCount,
PeakBytesPerSecond and PeakPacketsPerSecond.  Source: VPC user guide, "NAT gateway metrics and dimensions".
"""

from collections.abc import Callable, Iterable, Mapping

from seawall.controllers.counts import Tally
from seawall.controllers.loop import After, Context, Done, Reconciler, reconciler
from seawall.model.nat_gateway import NatGateway
from seawall.model.resource import Ref
from seawall.program.report import Counter
from seawall.store.metrics import Metric, Statistics, dimensions_of

EVERY_S = 60.0
NAMESPACE = "AWS/NATGateway"
_EVENTS = (
    "ConnectionAttemptCount",
    "ConnectionEstablishedCount",
    "ErrorPortAllocation",
    "PacketsDropCount",
)


def reconcile(nat_id: str, context: Context) -> Done | After:
    nat = context.store.find(NatGateway, nat_id)
    if nat is None or nat.state not in ("pending", "available"):
        context.counts.forget(nat_id)
        return Done()
    if nat.state == "pending" or not context.host.in_force:
        return Done()
    sample(nat_id, context, lambda _: None)
    return After(EVERY_S)


def sample(nat_id: str, context: Context, done: Callable[[bool], None]) -> None:
    """Read now and publish what came since; `done` hears whether it could be read."""

    def heard(counters: tuple[Counter, ...] | None) -> None:
        nat = context.store.find(NatGateway, nat_id)
        if counters is None or nat is None or nat.state != "available":
            done(counters is not None)
            return
        now = context.clock.now()
        values = metric_values(context.counts.take(nat_id, context.host.world or "", counters, now))

        def counted(active: int | None) -> None:
            more = {} if active is None else {"ActiveConnectionCount": active}
            if context.metrics is not None:
                context.metrics.add(_points(nat_id, values | more, int(now.timestamp())))
            done(True)

        context.host.count_connections(nat_id, counted)

    context.host.read_counters(nat_id, heard)


def metric_values(came: Mapping[str, Tally]) -> dict[str, int]:
    """CloudWatch's metrics from the counters of one gateway, by `ID/NAME`."""
    by_name = {origin.partition("/")[2]: tally for origin, tally in came.items()}
    source = by_name.get("FromSource", Tally())
    refused = by_name.get("ErrorPortAllocation", Tally())
    back = by_name.get("FromDestination", Tally())
    values = {name: by_name.get(name, Tally()).packets for name in _EVENTS}
    return values | {
        "PacketsInFromSource": source.packets,
        "BytesInFromSource": source.bytes,
        "PacketsOutToDestination": max(source.packets - refused.packets, 0),
        "BytesOutToDestination": max(source.bytes - refused.bytes, 0),
        "PacketsInFromDestination": back.packets,
        "BytesInFromDestination": back.bytes,
        "PacketsOutToSource": back.packets,
        "BytesOutToSource": back.bytes,
    }


def _points(nat_id: str, values: Mapping[str, int], time: int) -> Iterable[tuple[Metric, Statistics]]:
    dimensions = dimensions_of({"NatGatewayId": nat_id})
    for name, value in values.items():
        unit = "Bytes" if name.startswith("Bytes") else "Count"
        yield Metric(NAMESPACE, name, dimensions), Statistics(time, 1, value, value, value, unit)


def _keys(context: Context, changed: Ref) -> Iterable[str]:
    return (changed.id,)


def _all(context: Context) -> Iterable[str]:
    ids = [nat.id for nat in context.store.all(NatGateway)]
    context.counts.older |= frozenset(ids)
    return ids


def _unread(context: Context) -> Iterable[str]:
    if not context.host.in_force:
        return ()
    here = [nat.id for nat in context.store.all(NatGateway) if nat.state == "available"]
    return [id for id in here if id not in context.counts.totals]


reconciler(
    Reconciler(
        name="nat_metrics",
        run=reconcile,
        kinds=frozenset({"nat_gateway"}),
        keys=_keys,
        all_keys=_all,
        on_host=_unread,
    )
)
