"""Which target groups a listener can send requests to."""

from collections.abc import Sequence

from seawall.api.elbv2.load_balancer_node import refused
from seawall.api.elbv2.names import TARGET_GROUP, arn, load_balancers_of
from seawall.api.elbv2.quotas import GROUPS_PER_ALB, check_count
from seawall.api.registry import Call
from seawall.model.listener import Action, Listener, ListenerProtocol, ListenerRule
from seawall.model.load_balancer import LoadBalancer
from seawall.model.target_group import TargetGroup, TargetProtocol
from seawall.store.store import Reader
from seawall.wire.errors import ApiError

# Sources: guides of both kinds, "Routing configuration" and "Listener configuration"
_FITTING: dict[ListenerProtocol, tuple[TargetProtocol, ...]] = {
    "HTTP": ("HTTP", "HTTPS"),
    "HTTPS": ("HTTP", "HTTPS"),
    "TCP": ("TCP", "TCP_UDP"),
    "TLS": ("TCP", "TLS"),
    "UDP": ("UDP", "TCP_UDP"),
    "TCP_UDP": ("TCP_UDP",),
}


def check_actions(
    call: Call,
    reader: Reader,
    balancer: LoadBalancer,
    protocol: ListenerProtocol,
    actions: Sequence[Action],
) -> None:
    """Whether a listener of `balancer` can have these actions.

    Raises ApiError TargetGroupNotFound, IncompatibleProtocols, InvalidConfigurationRequest,
    TargetGroupAssociationLimit, TooManyUniqueTargetGroupsPerLoadBalancer, InvalidLoadBalancerAction.
    """
    for action in actions:
        if action.redirect is not None and protocol == "HTTPS" and action.redirect.protocol == "HTTP":
            raise ApiError("InvalidLoadBalancerAction", "You cannot redirect from HTTPS to HTTP")
        for weighted in action.target_groups:
            _check_group(call, reader, balancer, protocol, weighted.target_group_id)
    if balancer.type == "application":
        used = groups_of(reader, balancer)
        used |= {group.target_group_id for action in actions for group in action.target_groups}
        check_count(
            len(used),
            GROUPS_PER_ALB,
            "TooManyUniqueTargetGroupsPerLoadBalancer",
            "You've reached the limit on the number of unique target groups per load balancer across all"
            " listeners",
        )


def _check_group(
    call: Call, reader: Reader, balancer: LoadBalancer, protocol: ListenerProtocol, id: str
) -> None:
    text = arn(call, TARGET_GROUP, id)
    group = reader.find(TargetGroup, id)
    if group is None:
        raise ApiError("TargetGroupNotFound", f"Target group '{text}' not found")
    if group.protocol not in _FITTING[protocol] or (group.target_type == "alb" and protocol != "TCP"):
        raise ApiError(
            "IncompatibleProtocols",
            f"The listener and the following target groups have incompatible protocols: {text}",
        )
    if group.vpc_id != balancer.vpc_id:
        raise refused(f"The target group '{text}' is not in the VPC '{balancer.vpc_id}' of the load balancer")
    if group.protocol_version == "GRPC" and protocol == "HTTP":
        raise refused(
            f"Listener protocol '{protocol}' is not supported with a target group with the protocol-version"
            " 'GRPC'"
        )
    if any(other != balancer.id for other in load_balancers_of(reader, group)):
        raise ApiError(
            "TargetGroupAssociationLimit",
            f"The following target groups cannot be associated with more than one load balancer: {text}",
        )


def groups_of(reader: Reader, balancer: LoadBalancer) -> set[str]:
    """The ids of all target groups a load balancer sends requests to."""
    found = set()
    for listener in reader.referrers(Listener, balancer.ref):
        actions = list(listener.default_actions)
        for rule in reader.referrers(ListenerRule, listener.ref):
            actions += rule.actions
        found |= {group.target_group_id for action in actions for group in action.target_groups}
    return found
