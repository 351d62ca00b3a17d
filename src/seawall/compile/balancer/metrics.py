"""What went through a node, as CloudWatch's metrics of AWS/ApplicationELB and AWS/NetworkELB.

Counters are exact and say how many; lines say how long it took and what the load balancer answered itself.
Lines of requests that went well may stand for several.  Sources: guides of application and network load
balancers, "CloudWatch metrics".  Not told, and so not published: RejectedConnectionCount, RuleEvaluations,
ConsumedLCUs, NonStickyRequestCount, ActiveConnectionCount, those of WAF and of authentication.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from seawall.compile.balancer.access_log import elb_status
from seawall.compile.balancer.log_line import NONE, Request, Unfinished
from seawall.compile.balancer.text import target_group_id

FRONTEND, BACKEND = "FRONTEND", "BACKEND"
Growth = tuple[str, str, str, int]  # proxy, server (or one of the words above), field, by how much
Events = defaultdict[tuple[str, str | None], float]  # by name and target group
_OF_PROXIES = {
    (FRONTEND, "conn_tot"): "NewConnectionCount",
    (BACKEND, "connect"): "NewConnectionCount",
    (FRONTEND, "ssl_failed_handshake"): "ClientTLSNegotiationErrorCount",
}
_OF_FLOWS = {
    (FRONTEND, "conn_tot"): "NewFlowCount",
    (FRONTEND, "ssl_sess"): "NewFlowCount_TLS",
    (FRONTEND, "ssl_failed_handshake"): "ClientTLSNegotiationErrorCount",
}
_SWITCHED = (
    101  # to the protocol of WebSockets; other answers that begin with 1 are not the last to a request
)
_ANSWERS = {"redirect": "HTTP_Redirect_Count", "fixed-response": "HTTP_Fixed_Response_Count"}
_CLASSES = ("2xx", "3xx", "4xx", "5xx")
_NAMED = (500, 502, 503, 504)


class Measured(NamedTuple):
    """Values of one metric, seen in a node's zone; of events each is 1.

    target_group   None: of the load balancer as a whole
    seen           how many values `total` is the sum of
    """

    name: str
    target_group: str | None
    unit: str
    seen: float
    total: float
    least: float
    most: float


def application_metrics(
    growth: Sequence[Growth],
    lines: Sequence[Request | Unfinished],
    healthy: Mapping[str, int],
) -> list[Measured]:
    """`healthy`: how many targets of each target group (by id) are, in all zones."""
    counts: Events = defaultdict(float)
    for proxy, server, field, by in growth:
        if server not in (FRONTEND, BACKEND):
            _count_server(counts, target_group_id(proxy), field, by)
        elif (server, field) in _OF_PROXIES:
            counts[_OF_PROXIES[server, field], None] += by
    _count_own_answers(counts, lines)
    received: Counter[str] = Counter()
    for proxy, server, field, by in growth:
        if field == "stot" and server not in (FRONTEND, BACKEND):
            received[target_group_id(proxy)] += by
    return [
        *_events(counts),
        *_bytes(growth),
        *(
            _value("RequestCountPerTarget", group, "Count", requests / healthy[group])
            for group, requests in sorted(received.items())
            if healthy.get(group)
        ),
        *_response_times(lines),
    ]


def network_metrics(growth: Sequence[Growth]) -> list[Measured]:
    """Of what an engine did for a network load balancer; what its namespace did is not known here."""
    counts: Events = defaultdict(float)
    for _, server, field, by in growth:
        if (server, field) in _OF_FLOWS:
            counts[_OF_FLOWS[server, field], None] += by
    return [*_events(counts), *_bytes(growth)]


def _events(counts: Events) -> list[Measured]:
    ordered = sorted(counts.items(), key=lambda item: (item[0][0], item[0][1] or ""))
    whole = ((name, group, round(n)) for (name, group), n in ordered)
    return [Measured(name, group, "Count", n, n, 1, 1) for name, group, n in whole if n]


def _value(name: str, group: str | None, unit: str, value: float) -> Measured:
    return Measured(name, group, unit, 1, value, value, value)


def _bytes(growth: Sequence[Growth]) -> list[Measured]:
    """To and from clients."""
    total = sum(by for _, server, field, by in growth if server == FRONTEND and field in ("bin", "bout"))
    return [_value("ProcessedBytes", None, "Bytes", total)] if total else []


def _count_server(counts: Events, group: str, field: str, by: int) -> None:
    """What targets answered; a request counts once a target has answered it."""
    names = []
    if field == "econ":
        names = ["TargetConnectionErrorCount"]
    elif field.startswith("hrsp_") and field != "hrsp_1xx":
        names = ["RequestCount"]
        if field[5:] in _CLASSES:
            names.append(f"HTTPCode_Target_{field[5:].upper()}_Count")
    for name in names:
        counts[name, None] += by
        counts[name, group] += by


def _count_own_answers(counts: Events, lines: Iterable[Request | Unfinished]) -> None:
    """The load balancer's: redirects and fixed ones by what they are, errors by their codes."""
    for line in lines:
        if isinstance(line, Unfinished):
            continue
        if line.status == _SWITCHED:
            counts["RequestCount", None] += line.times
            counts["RequestCount", target_group_id(line.pool)] += line.times
        if line.grpc != NONE:
            counts["GrpcRequestCount", None] += line.times
        if line.action in _ANSWERS:
            counts[_ANSWERS[line.action], None] += line.times
        status = elb_status(line)
        if line.target_status == NONE and status >= 300:
            counts[f"HTTPCode_ELB_{status // 100}XX_Count", None] += line.times
            if status in _NAMED:
                counts[f"HTTPCode_ELB_{status}_Count", None] += line.times


def _response_times(lines: Iterable[Request | Unfinished]) -> list[Measured]:
    """Seconds until the target's answer began, of the load balancer and of each target group."""
    times: dict[str | None, list[float]] = defaultdict(list)
    for line in lines:
        if isinstance(line, Request) and line.target_status != NONE and line.answering_ms >= 0:
            seconds = line.answering_ms / 1000
            times[None].append(seconds)
            times[target_group_id(line.pool)].append(seconds)
    return [
        Measured("TargetResponseTime", group, "Seconds", len(those), sum(those), min(those), max(those))
        for group, those in times.items()
    ]
