"""What the operations of Elastic Load Balancing ask permission for.

Source: "Actions, resources, and condition keys for AWS Elastic Load Balancing V2".
"""

from collections.abc import Iterable, Sequence

from seawall.api.iam.service_linked_role import missing_linked_role
from seawall.iam.access import CallFacts, Context, ContextOf, Plain, Resources, Target, access, also
from seawall.model.listener import Listener, ListenerRule
from seawall.model.load_balancer import LoadBalancer
from seawall.model.resource import Resource, Tags
from seawall.model.target_group import TargetGroup

SERVICE = "elasticloadbalancing.amazonaws.com"
_KINDS: dict[str, type[Resource]] = {
    "loadbalancer": LoadBalancer,
    "targetgroup": TargetGroup,
    "listener": Listener,
    "listener-rule": ListenerRule,
}


def _tags(arn: str, facts: CallFacts) -> Tags:
    """Those of the resource that goes by this ARN, if one does."""
    kind, _, id = arn.split(":", 5)[-1].partition("/")
    cls = _KINDS.get(kind)
    found = facts.store.find(cls, id) if cls is not None else None
    tags: Tags = getattr(found, "tags", {})
    return tags


def _targets(arns: Iterable[str], facts: CallFacts) -> list[Target]:
    return [Target(arn, _tags(arn, facts)) for arn in arns if arn]


def _of(member: str) -> Resources:
    return lambda params, facts: _targets([params.get(member) or ""], facts)


def _all_of(member: str) -> Resources:
    return lambda params, facts: _targets(params.get(member) or (), facts)


def _new(path: str) -> Resources:
    """A resource that will be made: its name is known, its id is not."""
    return lambda params, facts: [facts.arn("elasticloadbalancing", f"{path}/{params.get('Name', '')}/*")]


def _new_balancer(params: Plain, facts: CallFacts) -> list[str]:
    kind = {"network": "net", "gateway": "gwy"}.get(params.get("Type") or "", "app")
    return [facts.arn("elasticloadbalancing", f"loadbalancer/{kind}/{params.get('Name', '')}/*")]


def _prioritised(params: Plain, facts: CallFacts) -> list[Target]:
    return _targets([pair.get("RuleArn") or "" for pair in params.get("RulePriorities") or ()], facts)


def _given(values: Sequence[str | None]) -> list[str]:
    return [value for value in values if value]


def _balancer_context(params: Plain, facts: CallFacts) -> Context:
    mappings = params.get("SubnetMappings") or ()
    subnets = [*(params.get("Subnets") or ()), *(mapping.get("SubnetId") for mapping in mappings)]
    many: dict[str, list[str]] = {
        "elasticloadbalancing:Scheme": _given([params.get("Scheme")]),
        "elasticloadbalancing:SecurityGroup": _given(params.get("SecurityGroups") or ()),
        "elasticloadbalancing:Subnet": _given(subnets),
    }
    return {key: values for key, values in many.items() if values}


def _listener_context(params: Plain, facts: CallFacts) -> Context:
    one = {
        "elasticloadbalancing:ListenerProtocol": params.get("Protocol"),
        "elasticloadbalancing:SecurityPolicy": params.get("SslPolicy"),
    }
    return {key: value for key, value in one.items() if value}


def _if_tagged(resources: Resources) -> Resources:
    return lambda params, facts: resources(params, facts) if params.get("Tags") else []


def _creating(operation: str) -> ContextOf:
    return lambda params, facts: {"elasticloadbalancing:CreateAction": operation}


def _linked_role(params: Plain, facts: CallFacts) -> list[str]:
    """The service's own role is made with the first load balancer, in the caller's name."""
    return missing_linked_role(facts, SERVICE)


def _linked_context(params: Plain, facts: CallFacts) -> Context:
    return {"iam:AWSServiceName": SERVICE}


for _operation, _member, _context in (
    ("CreateListener", "LoadBalancerArn", _listener_context),
    ("DeleteLoadBalancer", "LoadBalancerArn", None),
    ("ModifyLoadBalancerAttributes", "LoadBalancerArn", None),
    ("SetIpAddressType", "LoadBalancerArn", None),
    ("SetSecurityGroups", "LoadBalancerArn", _balancer_context),
    ("SetSubnets", "LoadBalancerArn", _balancer_context),
    ("AddListenerCertificates", "ListenerArn", None),
    ("CreateRule", "ListenerArn", None),
    ("DeleteListener", "ListenerArn", None),
    ("ModifyListener", "ListenerArn", _listener_context),
    ("ModifyListenerAttributes", "ListenerArn", None),
    ("RemoveListenerCertificates", "ListenerArn", None),
    ("DeleteRule", "RuleArn", None),
    ("ModifyRule", "RuleArn", None),
    ("DeleteTargetGroup", "TargetGroupArn", None),
    ("DeregisterTargets", "TargetGroupArn", None),
    ("ModifyTargetGroup", "TargetGroupArn", None),
    ("ModifyTargetGroupAttributes", "TargetGroupArn", None),
    ("RegisterTargets", "TargetGroupArn", None),
):
    access("elbv2", _operation, resources=_of(_member), context=_context)
access("elbv2", "CreateLoadBalancer", resources=_new_balancer, context=_balancer_context)
access("elbv2", "CreateTargetGroup", resources=_new("targetgroup"))
access("elbv2", "SetRulePriorities", resources=_prioritised)
for _operation in ("AddTags", "RemoveTags"):
    access("elbv2", _operation, resources=_all_of("ResourceArns"))
for _operation, _resources in (
    ("CreateLoadBalancer", _new_balancer),
    ("CreateTargetGroup", _new("targetgroup")),
    ("CreateListener", _of("LoadBalancerArn")),
    ("CreateRule", _of("ListenerArn")),
):
    also(
        "elbv2",
        _operation,
        action="elasticloadbalancing:AddTags",
        resources=_if_tagged(_resources),
        context=_creating(_operation),
    )
also(
    "elbv2",
    "CreateLoadBalancer",
    action="iam:CreateServiceLinkedRole",
    resources=_linked_role,
    context=_linked_context,
)
