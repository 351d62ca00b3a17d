"""Security groups of load balancers; their nodes' interfaces have the same."""

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from seawall.api.ec2.quotas import GROUPS_PER_INTERFACE
from seawall.api.elbv2.load_balancer_node import refused
from seawall.api.elbv2.names import find_load_balancer, invalid
from seawall.api.params import Params
from seawall.api.quota import limit
from seawall.api.registry import Call, operation
from seawall.model.load_balancer import LoadBalancerType
from seawall.model.network_interface import NetworkInterface
from seawall.model.resource import Ref
from seawall.model.security_group import SecurityGroup
from seawall.store.store import Reader
from seawall.wire.errors import ApiError


def wanted_groups(
    reader: Reader, given: Sequence[str] | None, vpc_id: str, type: LoadBalancerType
) -> tuple[str, ...]:
    """The groups of a new load balancer: for an application load balancer the VPC's default one, if none is
    named.  Raises ApiError InvalidSecurityGroup, InvalidConfigurationRequest."""
    if not given:
        if type == "network":
            return ()
        groups = reader.referrers(SecurityGroup, Ref("vpc", vpc_id))
        return tuple(group.id for group in groups if group.name == "default")
    return checked_groups(reader, given, vpc_id)


def checked_groups(reader: Reader, given: Sequence[str], vpc_id: str) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(given))
    for id in found:
        group = reader.find(SecurityGroup, id)
        if group is None:
            raise ApiError("InvalidSecurityGroup", f"Security group '{id}' does not exist")
        if group.vpc_id != vpc_id:
            raise refused("One or more security groups are invalid")
    if len(found) > limit(reader, GROUPS_PER_INTERFACE):
        raise refused("The maximum number of security groups per interface has been reached")
    return found


@operation(
    "elbv2",
    "SetSecurityGroups",
    stored={
        "EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic": "no endpoint services lead to load balancers"
    },
)
def set_security_groups(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        balancer = find_load_balancer(call, txn, params["LoadBalancerArn"])
        enforce = params.get("EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic")
        if balancer.type == "network" and not balancer.group_ids:
            raise refused(
                "You cannot set security groups for a Network Load Balancer that was created without them"
            )
        if balancer.type == "application" and enforce:
            raise refused(
                "EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic is not supported for load balancers"
                " with type 'application'"
            )
        if not params["SecurityGroups"]:
            raise invalid("At least one security group must be specified")
        groups = checked_groups(txn, params["SecurityGroups"], balancer.vpc_id)
        for node in balancer.nodes:
            interface = txn.get(NetworkInterface, node.network_interface_id)
            txn.put(replace(interface, group_ids=groups))
        enforce = enforce or balancer.enforce_private_link_rules
        txn.put(replace(balancer, group_ids=groups, enforce_private_link_rules=enforce))
    answer: dict[str, Any] = {"SecurityGroupIds": list(groups)}
    if enforce:
        answer["EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic"] = enforce
    return answer
