"""What the engine writes about each request: one JSON array, whose items are those of `Request`, in order.

Counters alone cannot tell everything that CloudWatch does, so lines are written even if nobody wants access
logs; but then, of what went well, about `TOLD` a second however many there are: each line says how many there
were and so how many it stands for.  What the load balancer answered for want of a target is always told.
"""

import re
from collections.abc import Mapping

import msgspec

TOLD = 100  # requests a second of one listener
_DRAWN = 1_000_000_000  # numbers that one is drawn from
NONE = "-"  # of what there was not

_ITEMS = (
    ('"%[date(0,us)]"', "ended"),
    ('"%[var(txn.began)]"', "began"),
    ('"%ci"', "client"),
    ('"%cp"', "client_port"),
    ('"%si"', "target"),
    ('"%sp"', "target_port"),
    ("%TR", "receiving_ms"),
    ("%Tw", "queued_ms"),
    ("%Tc", "connecting_ms"),
    ("%Tr", "answering_ms"),
    ("%Ta", "whole_ms"),
    ("%ST", "status"),
    ('"%[var(txn.answered)]"', "target_status"),
    ("%U", "received"),
    ("%B", "sent"),
    ('"%HM"', "method"),
    ('"%[capture.req.uri,json(utf8s)]"', "uri"),
    ('"%HV"', "version"),
    ('"%[var(txn.hosted),json(utf8s)]"', "host"),
    ('"%[var(txn.agent),json(utf8s)]"', "user_agent"),
    ('"%sslc"', "cipher"),
    ('"%sslv"', "protocol"),
    ('"%f"', "listener"),
    ('"%b"', "pool"),
    ('"%s"', "server"),
    ('"%[var(txn.trace),json(utf8s)]"', "trace"),
    ('"%[ssl_fc_sni,json(utf8s)]"', "server_name"),
    ('"%[ssl_f_sha1,hex]"', "certificate"),
    ('"%[ssl_fc_is_resumed]"', "resumed"),
    ('"%[var(txn.rule)]"', "rule"),
    ('"%[var(txn.location),json(utf8s)]"', "location"),
    ('"%ts"', "ending"),
    ('"%[fc_http_major]"', "major"),
    ('"%[var(txn.grpc)]"', "grpc"),
    ('"%[var(txn.rate)]"', "rate"),
)
LOG_FORMAT = f"[{','.join(written for written, _ in _ITEMS)}]"


class Request(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One request as it was; texts are "-" where there is nothing.

    ended, began    microseconds since the epoch; when the request's headers were there
    ..._ms          -1 where it did not come so far: receiving its headers, waiting, connecting to a target,
                    until the headers of the target's answer, all together
    target_status   of the target's own answer
    listener, pool  names of frontend and backend; both the same where no target group was chosen
    certificate     SHA-1 of the one that was shown, in hexadecimal
    rule            the priority of the rule that decided, "0" for the default one; "-" also where there was
                    nothing to decide: see `decided_by`
    ending          who ended it, and when: the first two letters of the engine's termination state
    rate            requests a second of the listener, where some are passed over
    """

    ended: str
    began: str
    client: str
    client_port: str
    target: str
    target_port: str
    receiving_ms: int
    queued_ms: int
    connecting_ms: int
    answering_ms: int
    whole_ms: int
    status: int
    target_status: str
    received: int
    sent: int
    method: str
    uri: str
    version: str
    host: str
    user_agent: str
    cipher: str
    protocol: str
    listener: str
    pool: str
    server: str
    trace: str
    server_name: str
    certificate: str
    resumed: str
    rule: str
    location: str
    ending: str
    major: str
    grpc: str
    rate: str

    @property
    def secure(self) -> bool:
        return self.cipher != NONE

    @property
    def dispatched(self) -> bool:
        """A target was chosen for it."""
        return self.target != NONE

    @property
    def client_left(self) -> bool:
        """The client closed its connection while a target was looked for, connected to, or at work."""
        return self.ending in ("CQ", "CC", "CH") and self.target_status == NONE

    @property
    def decided_by(self) -> str:
        """The priority of the rule that decided; NONE if none was asked."""
        return "0" if self.rule == NONE and self.pool != self.listener else self.rule

    @property
    def action(self) -> str:
        """What the rule did: forward, redirect, fixed-response; NONE if none was asked."""
        if self.decided_by == NONE:
            return NONE
        if self.pool != self.listener:
            return "forward"
        return "redirect" if self.location != NONE else "fixed-response"

    @property
    def times(self) -> float:
        """How many requests it stands for: those that no target answered though one should are all told."""
        told = self.action not in ("redirect", "fixed-response") and self.target_status == NONE
        return 1 if told or self.rate == NONE else max(1, int(self.rate) / TOLD)


class Unfinished(msgspec.Struct, frozen=True, gc=False):
    """A connection that ended before its TLS handshake did, or otherwise before any request."""

    unfinished: str  # the frontend
    reason: str


ERROR_FORMAT = '{"unfinished":"%f","reason":"%[fc_err_str,json(utf8s)]"}'
_requests = msgspec.json.Decoder(Request)
_unfinished = msgspec.json.Decoder(Unfinished)
_PREFIX = re.compile(r"<\d+>")


def parse(line: str) -> Request | Unfinished:
    """Raises ValueError when it is neither (msgspec.DecodeError is one); a level before it may be there."""
    text = _PREFIX.sub("", line, count=1)
    return _unfinished.decode(text) if text.startswith("{") else _requests.decode(text)


def remembered(attributes: Mapping[str, str]) -> list[str]:
    """What has to be noted while the request is at hand; `attributes` of the load balancer."""
    lines = [
        "http-request set-var(txn.grpc) bool(true) if { req.hdr(content-type) -m beg application/grpc }",
        "http-response set-var(txn.answered) status",
    ]
    if attributes.get("access_logs.s3.enabled") == "true":
        lines += [
            "http-request set-var(txn.hosted) req.hdr(host)",
            "http-request set-var(txn.agent) req.fhdr(user-agent),bytes(0,8192)",
        ]
    else:
        lines += [
            "http-request set-var(txn.rate) fe_req_rate",
            f"acl passed_over rand({_DRAWN}),mul(txn.rate) ge {_DRAWN * TOLD}",
            "http-response set-log-level silent if passed_over",
        ]
    return lines


def remembered_last(attributes: Mapping[str, str]) -> list[str]:
    """The same, as targets get it."""
    if attributes.get("access_logs.s3.enabled") != "true":
        return []
    return ["http-request set-var(txn.trace) req.fhdr(x-amzn-trace-id)"]


def passed_over(attributes: Mapping[str, str], condition: str) -> list[str]:
    """The same for what rules answer."""
    if attributes.get("access_logs.s3.enabled") == "true":
        return []
    return [f"http-request set-log-level silent if {condition} passed_over"]
