"""A target group as a backend of the engine, and as a pool of targets to check and use.

Sources: Application Load Balancers user guide, "Target groups", "Health checks", "Troubleshoot" (464, 502,
503, 504), "Routing algorithms".
"""

from seawall.compile.balancer.broken_off import answer_lines
from seawall.compile.balancer.pages import REASONS, SERVER, page, refusal, title
from seawall.compile.balancer.stickiness import target_stickiness
from seawall.compile.balancer.text import pool_name, word
from seawall.model.target_group import TargetGroup

# Without limits of connections this is -1 as soon as one server can be used.  `nbsrv` would be 0 in an engine
# that only finishes its connections after a reload.
NO_SERVER = "{ connslots eq 0 }"
# For both attempts together.  Where nobody answers at all the kernel gives up before: 7 s (host/balancer).
CONNECT_S = 10
_BALANCE = {
    "round_robin": "roundrobin",
    "least_outstanding_requests": "leastconn",
    "weighted_random": "random(1)",
}


def backend(group: TargetGroup, idle_s: int) -> list[str]:
    """Where an application load balancer forwards requests to.

    idle_s   after which a target that says nothing is too late
    """
    algorithm = group.attributes.get("load_balancing.algorithm.type", "round_robin")
    return [
        f"backend {pool_name(group.id)}",
        f"  balance {_BALANCE[algorithm]}",
        *(f"  {line}" for line in _protocol(group)),
        f"  {refusal(503, NO_SERVER)}",
        *(f"  {line}" for line in _unreachable()),
        *(f"  {line}" for line in answer_lines(idle_s)),
        *(f"  {line}" for line in target_stickiness(group.attributes)),
    ]


def _protocol(group: TargetGroup) -> list[str]:
    """464: the request's protocol is not that of the target group."""
    if group.protocol_version == "GRPC":
        return [refusal(464, "!HTTP_2.0 or !METH_POST")]
    if group.protocol_version == "HTTP2":
        return [refusal(464, "!HTTP_2.0")]
    return [refusal(464, "{ var(txn.grpc) -m found }")]


def _unreachable() -> list[str]:
    """The engine calls it 503 when a connection cannot be made: here 504 if it took too long, else 502.

    The answer is marked, since its status can be changed only once it is an answer.
    """
    late = f"%[date(0,us),sub(txn.began),div({CONNECT_S * 500_000}),bool"
    named = f"{late},iif('{title(504)}','{title(502)}')]"
    body = word(page("NAME").replace("NAME", named))
    mark = "X-Seawall-Unreachable"
    changes = [
        f"http-after-response set-status {status} reason {word(REASONS[status])} "
        f"if unreachable {{ res.hdr({mark}) -m str {said} }}"
        for status, said in ((504, 1), (502, 0))
    ]
    return [
        f"http-error status 503 content-type text/html lf-string {body} "
        f"hdr Server {SERVER} hdr {mark} {late}]",
        "acl unreachable status 503",
        *changes,
        f"http-after-response del-header {mark} if {{ status 502 504 }}",
    ]
