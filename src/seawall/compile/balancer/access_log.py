"""A request as a line of an application load balancer's access log.

Source: Application Load Balancers user guide, "Access logs": the fields in their order.
"""

from collections.abc import Mapping
from datetime import datetime, timezone

import msgspec

from seawall.compile.balancer.log_line import NONE, Request
from seawall.compile.balancer.text import target_group_id
from seawall.model.listener import Listener

_DEFAULT_PORTS = {"http": 80, "https": 443}
CLIENT_LEFT = 460


class AccessLogNames(msgspec.Struct, frozen=True, kw_only=True):
    """How what the engine names is called outside.

    load_balancer_id   as in its ARN
    listeners          by the frontend's name
    certificates       SHA-1 of each certificate, in upper-case hexadecimal -> its ARN
    """

    region: str
    account: str
    load_balancer_id: str
    listeners: Mapping[str, Listener]
    certificates: Mapping[str, str] = {}


def access_log_line(request: Request, names: AccessLogNames) -> str:
    """Without the newline at its end."""
    target = f"{request.target}:{request.target_port}" if request.dispatched else NONE
    status = request.target_status
    fields = (
        _type(request),
        _time(request.ended),
        names.load_balancer_id,
        f"{request.client}:{request.client_port}",
        target,
        *_durations(request),
        str(elb_status(request)),
        status,
        str(request.received),
        str(request.sent),
        _quoted(_request_line(request, names)),
        _quoted(request.user_agent),
        request.cipher,
        request.protocol,
        _group(request, names),
        _quoted(request.trace),
        _quoted(request.server_name),
        _quoted(_certificate(request, names)),
        request.decided_by,
        _time(request.began if request.began != NONE else request.ended),
        _quoted(request.action),
        _quoted(request.location),
        _quoted(NONE),  # only of authentication and functions
        _quoted(target),
        _quoted(status),
        _quoted(NONE),
        _quoted(NONE),
    )
    return " ".join(fields)


def elb_status(request: Request) -> int:
    return CLIENT_LEFT if request.client_left else request.status


def _type(request: Request) -> str:
    if request.status == 101:
        return "wss" if request.secure else "ws"
    if request.grpc != NONE and request.secure:
        return "grpcs"
    if request.major == "2":
        return "h2"
    return "https" if request.secure else "http"


def _time(microseconds: str) -> str:
    moment = datetime.fromtimestamp(int(microseconds) // 1_000_000, timezone.utc)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{int(microseconds) % 1_000_000:06}Z"


def _durations(request: Request) -> tuple[str, str, str]:
    """Until the request was sent to a target, until its answer began, until that went on to the client.

    The engine sends an answer on as it comes, so the third is never more than nothing.
    """
    if request.connecting_ms < 0:
        return ("-1", "-1", "-1")
    before = max(request.receiving_ms, 0) + max(request.queued_ms, 0) + request.connecting_ms
    if request.answering_ms < 0:
        return (_seconds(before), "-1", "-1")
    return (_seconds(before), _seconds(request.answering_ms), _seconds(0))


def _seconds(milliseconds: int) -> str:
    return f"{milliseconds / 1000:.3f}"


def _request_line(request: Request, names: AccessLogNames) -> str:
    """METHOD PROTOCOL://HOST:PORT/URI VERSION, with the port the client meant."""
    if request.uri == NONE:
        return "- - - "
    scheme = "https" if request.secure else "http"
    listener = names.listeners.get(request.listener)
    port = listener.port if listener else _DEFAULT_PORTS[scheme]
    host = request.host if request.host != NONE else ""
    bare, colon, named = host.rpartition(":")
    if colon and named.isdecimal():
        host, port = bare, int(named)
    uri = request.uri if request.uri.startswith("/") else f"/{request.uri}"
    return f"{request.method} {scheme}://{host}:{port}{uri} {request.version}"


def _group(request: Request, names: AccessLogNames) -> str:
    if request.pool == request.listener:
        return NONE
    place = f"{names.region}:{names.account}"
    return f"arn:aws:elasticloadbalancing:{place}:targetgroup/{target_group_id(request.pool)}"


def _certificate(request: Request, names: AccessLogNames) -> str:
    if request.resumed == "1":
        return "session-reused"
    return names.certificates.get(request.certificate, NONE)


def _quoted(text: str) -> str:
    """Signs that would break the line are written as their codes."""
    escaped = (_escaped(c) if c in '"\\' or not c.isprintable() else c for c in text)
    return f'"{"".join(escaped)}"'


def _escaped(character: str) -> str:
    return "".join(f"\\x{byte:02X}" for byte in character.encode())


def log_key(names: AccessLogNames, prefix: str, address: str, ends: datetime, random: str) -> str:
    """The object that holds the lines of one node.

    address   the node's, the public one where it has one
    ends      of the interval it is about
    """
    day, moment = ends.strftime("%Y/%m/%d"), ends.strftime("%Y%m%dT%H%MZ")
    place = f"AWSLogs/{names.account}/elasticloadbalancing/{names.region}/{day}"
    whose = f"{names.account}_elasticloadbalancing_{names.region}_{names.load_balancer_id.replace('/', '.')}"
    file = f"{whose}_{moment}_{address}_{random}.log.gz"
    return f"{prefix}/{place}/{file}" if prefix else f"{place}/{file}"
