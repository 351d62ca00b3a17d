"""Elastic Load Balancing: listeners, their rules, and the certificates they show."""

from datetime import datetime
from typing import Literal

import msgspec

from seawall.model.resource import Ref, Resource, Tags, kind

ListenerProtocol = Literal["HTTP", "HTTPS", "TCP", "TLS", "UDP", "TCP_UDP"]
ConditionField = Literal[
    "path-pattern", "host-header", "http-header", "http-request-method", "query-string", "source-ip"
]


class WeightedGroup(msgspec.Struct, frozen=True, kw_only=True):
    target_group_id: str
    weight: int = 1


class Redirect(msgspec.Struct, frozen=True, kw_only=True):
    """#{protocol}, #{host}, #{port}, #{path} and #{query} stand for those of the request."""

    protocol: str = "#{protocol}"
    port: str = "#{port}"
    host: str = "#{host}"
    path: str = "/#{path}"
    query: str = "#{query}"
    status_code: Literal["HTTP_301", "HTTP_302"] = "HTTP_301"


class FixedResponse(msgspec.Struct, frozen=True, kw_only=True):
    status_code: str
    content_type: str | None = None
    message_body: str | None = None


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """Exactly one of target_groups, redirect and fixed_response is set.

    stickiness_seconds   how long a client stays with one of several target groups; None: it does not
    single               it was given as TargetGroupArn, not as ForwardConfig
    """

    type: Literal["forward", "redirect", "fixed-response"]
    order: int | None = None
    target_groups: tuple[WeightedGroup, ...] = ()
    stickiness_seconds: int | None = None
    single: bool = False
    redirect: Redirect | None = None
    fixed_response: FixedResponse | None = None

    def refs(self) -> tuple[Ref, ...]:
        return tuple(Ref("target_group", group.target_group_id) for group in self.target_groups)


class QueryString(msgspec.Struct, frozen=True, kw_only=True):
    key: str | None = None
    value: str


class RuleCondition(msgspec.Struct, frozen=True, kw_only=True):
    """`values` are alternatives; `queries` likewise, for query-string."""

    field: ConditionField
    values: tuple[str, ...] = ()
    http_header_name: str | None = None
    queries: tuple[QueryString, ...] = ()


@kind("listener")
class Listener(Resource, frozen=True, kw_only=True):
    """`id` is LOAD_BALANCER_ID/ID16.  Its default action is here, its other rules are `ListenerRule`s.

    certificate_arns   the default one first, the others are chosen by server name
    """

    load_balancer_id: str
    protocol: ListenerProtocol
    port: int
    default_actions: tuple[Action, ...]
    certificate_arns: tuple[str, ...] = ()
    ssl_policy: str | None = None
    alpn_policy: str | None = None
    default_rule_id: str  # LISTENER_ID/ID16
    attributes: dict[str, str] = {}
    tags: Tags = {}

    def refs(self) -> tuple[Ref, ...]:
        groups = (ref for action in self.default_actions for ref in action.refs())
        certificates = (Ref("certificate", arn.rpartition("/")[2]) for arn in self.certificate_arns)
        return (Ref("load_balancer", self.load_balancer_id), *groups, *certificates)


@kind("listener_rule")
class ListenerRule(Resource, frozen=True, kw_only=True):
    """`id` is LISTENER_ID/ID16.  The lowest priority whose conditions all hold decides."""

    listener_id: str
    priority: int
    conditions: tuple[RuleCondition, ...]
    actions: tuple[Action, ...]
    tags: Tags = {}

    def refs(self) -> tuple[Ref, ...]:
        return (Ref("listener", self.listener_id), *(ref for action in self.actions for ref in action.refs()))


@kind("certificate")
class Certificate(Resource, frozen=True, kw_only=True):
    """One imported into ACM.  `id` is the UUID at the end of its ARN; the PEM texts are as imported."""

    arn: str
    certificate: str
    private_key: str
    chain: str = ""
    domain_name: str
    subject_alternative_names: tuple[str, ...] = ()
    not_before: datetime
    not_after: datetime
    imported_at: datetime
    created_at: datetime
    tags: Tags = {}
