"""Load balancers: the calls record the wish; a loop makes it so (provisioning, active; gone)."""

from typing import Any, Literal

from msgspec.structs import replace

from seawall.api.elbv2.hosted_zones import canonical_zone
from seawall.api.elbv2.load_balancer_attribute import default_attributes, protected
from seawall.api.elbv2.load_balancer_node import check_places, make_node, shown_zones, wanted_places
from seawall.api.elbv2.names import (
    LOAD_BALANCER,
    arn,
    check_balancer_name,
    id_in,
    invalid,
    missing,
    new_id,
)
from seawall.api.elbv2.paging import paged
from seawall.api.elbv2.quotas import (
    APPLICATION_LOAD_BALANCERS,
    ENIS_PER_VPC,
    NETWORK_LOAD_BALANCERS,
    check_quota,
)
from seawall.api.elbv2.security_groups import wanted_groups
from seawall.api.elbv2.tagging import checked_tags
from seawall.api.iam.service_linked_role import ensure_linked_role
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.listener import Listener, ListenerRule
from seawall.model.load_balancer import LoadBalancer, LoadBalancerType
from seawall.model.target_group import Target
from seawall.store.ids import new_digits
from seawall.store.store import Reader, Transaction
from seawall.wire.errors import ApiError, NotImplementedHere

IPV4_ONLY = {
    "EnablePrefixForIpv6SourceNat": "load balancers have IPv4 addresses only",
    "IpAddressType": "ipv4 only",
}


@operation(
    "elbv2",
    "CreateLoadBalancer",
    refused=IPV4_ONLY
    | {
        "CustomerOwnedIpv4Pool": "there are no Outposts",
        "IpamPools": "there is no IPAM",
        "Type": "gateway load balancers are not served",
    },
)
def create_load_balancer(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        balancer = _wanted(call, txn, params)
        known = next((one for one in living(txn) if one.name == balancer.name), None)
        if known is None:
            balancer = _create(call, txn, params, balancer)
        elif _same(txn, params, known, balancer):
            balancer = known
        else:
            raise ApiError(
                "DuplicateLoadBalancerName",
                f"A load balancer with the same name '{balancer.name}' exists, but with different settings",
            )
        return {"LoadBalancers": [shown_load_balancer(call, txn, balancer)]}


def _wanted(call: Call, txn: Transaction, params: Params) -> LoadBalancer:
    """The load balancer of a request, without nodes."""
    name, type = params["Name"], _type(params)
    check_balancer_name(name)
    refuse_ipv6(params)
    scheme: Literal["internet-facing", "internal"] = params.get("Scheme") or "internet-facing"
    places = wanted_places(txn, params, type)
    end, vpc_id = new_id(), places[0].subnet.vpc_id
    return LoadBalancer(
        id=f"{'app' if type == 'application' else 'net'}/{name}/{end}",
        name=name,
        type=type,
        scheme=scheme,
        vpc_id=vpc_id,
        nodes=(),
        group_ids=wanted_groups(txn, params.get("SecurityGroups"), vpc_id, type),
        dns_name=_dns_name(call, name, type, scheme, end),
        canonical_hosted_zone_id=canonical_zone(type, call.region),
        attributes=default_attributes(type, scheme),
        created_time=call.now,
        tags=checked_tags(params.get("Tags")),
    )


def _create(call: Call, txn: Transaction, params: Params, balancer: LoadBalancer) -> LoadBalancer:
    of = APPLICATION_LOAD_BALANCERS if balancer.type == "application" else NETWORK_LOAD_BALANCERS
    count = sum(one.type == balancer.type for one in living(txn)) + 1
    text = "The maximum number of load balancers has been reached"
    check_quota(txn, count, of, "TooManyLoadBalancers", text)
    places = wanted_places(txn, params, balancer.type)
    check_interfaces(txn, balancer, len(places))
    check_places(txn, balancer, places)
    nodes = tuple(make_node(call, txn, balancer, place) for place in places)
    balancer = replace(balancer, nodes=nodes)
    txn.put(balancer, expect=0)
    ensure_linked_role(txn, "elasticloadbalancing.amazonaws.com", call.now)
    return balancer


def _same(txn: Transaction, params: Params, known: LoadBalancer, wanted: LoadBalancer) -> bool:
    """Whether a second request asks for what is there already."""
    places = {
        (place.subnet.id, place.allocation_id, str(place.private_address or ""))
        for place in wanted_places(txn, params, wanted.type)
    }
    nodes = {(node.subnet_id, node.allocation_id, node.private_ipv4_address or "") for node in known.nodes}
    return (
        (known.type, known.scheme, known.ip_address_type, set(known.group_ids), known.tags)
        == (wanted.type, wanted.scheme, wanted.ip_address_type, set(wanted.group_ids), wanted.tags)
    ) and places == nodes


@operation("elbv2", "DescribeLoadBalancers")
def describe_load_balancers(call: Call, params: Params) -> dict[str, Any]:
    arns, names = params.get("LoadBalancerArns"), params.get("Names")
    if arns and names:
        raise invalid("Load balancer names and load balancer ARNs cannot be specified at the same time")
    found = living(call.store)
    if arns:
        found = _chosen(found, {id_in(call, LOAD_BALANCER, one) for one in arns}, by="id", named=arns)
    elif names:
        found = _chosen(found, set(names), by="name", named=names)
    return paged(
        params,
        "LoadBalancers",
        found,
        lambda one: one.id,
        lambda one: shown_load_balancer(call, call.store, one),
    )


def _chosen(
    balancers: list[LoadBalancer], wanted: set[str], *, by: Literal["id", "name"], named: list[str]
) -> list[LoadBalancer]:
    found = [one for one in balancers if getattr(one, by) in wanted]
    if len(found) < len(wanted):
        if by == "id":
            raise missing(LOAD_BALANCER)
        raise ApiError("LoadBalancerNotFound", f"Load balancers '[{', '.join(named)}]' not found")
    return found


@operation("elbv2", "DeleteLoadBalancer")
def delete_load_balancer(call: Call, params: Params) -> dict[str, Any]:
    text = params["LoadBalancerArn"]
    with call.write() as txn:
        balancer = txn.find(LoadBalancer, id_in(call, LOAD_BALANCER, text))
        if balancer is None or balancer.deleting:
            return {}
        said = f"Load balancer '{text}' cannot be deleted because"
        if protected(balancer):
            raise ApiError("OperationNotPermitted", f"{said} deletion protection is enabled")
        if any(target.target == balancer.id for target in txn.all(Target) if target.draining_until is None):
            raise ApiError("ResourceInUse", f"{said} it is currently associated with another service")
        for listener in txn.referrers(Listener, balancer.ref):
            delete_listener_documents(txn, listener)
        txn.put(replace(balancer, deleting=True))
    return {}


def delete_listener_documents(txn: Transaction, listener: Listener) -> None:
    """A listener goes, and its rules with it."""
    for rule in txn.referrers(ListenerRule, listener.ref):
        txn.delete(ListenerRule, rule.id)
    txn.delete(Listener, listener.id)


def living(reader: Reader) -> list[LoadBalancer]:
    return [balancer for balancer in reader.all(LoadBalancer) if not balancer.deleting]


def check_interfaces(txn: Transaction, balancer: LoadBalancer, more: int) -> None:
    """Whether the VPC may have that many more nodes.  Raises ApiError TooManyLoadBalancers."""
    if balancer.type != "network":
        return
    networks = [one for one in txn.all(LoadBalancer) if one.type == "network"]
    count = sum(len(one.nodes) for one in networks if one.vpc_id == balancer.vpc_id) + more
    text = "The maximum number of network interfaces of Network Load Balancers per VPC has been reached"
    check_quota(txn, count, ENIS_PER_VPC, "TooManyLoadBalancers", text)


def refuse_ipv6(params: Params) -> None:
    """Raises NotImplementedHere for what only load balancers with IPv6 addresses have."""
    if params.get("IpAddressType") not in (None, "ipv4"):
        raise NotImplementedHere("IpAddressType: load balancers have IPv4 addresses only.")
    if params.get("EnablePrefixForIpv6SourceNat") not in (None, "off"):
        raise NotImplementedHere("EnablePrefixForIpv6SourceNat: load balancers have IPv4 addresses only.")


def _type(params: Params) -> LoadBalancerType:
    match params.get("Type"):
        case None | "application":
            return "application"
        case "network":
            return "network"
    raise NotImplementedHere("Type: Seawall has application and network load balancers only.")


def _dns_name(call: Call, name: str, type: LoadBalancerType, scheme: str, end: str) -> str:
    suffix = "amazonaws.com.cn" if call.partition == "aws-cn" else "amazonaws.com"
    if type == "network":
        return f"{name}-{end}.elb.{call.region}.{suffix}"
    internal = "internal-" if scheme == "internal" else ""
    return f"{internal}{name}-{new_digits(10)}.{call.region}.elb.{suffix}"


def shown_load_balancer(call: Call, reader: Reader, balancer: LoadBalancer) -> dict[str, Any]:
    state = {"Code": balancer.state, "Reason": balancer.state_reason}
    found: dict[str, Any] = {
        "LoadBalancerArn": arn(call, LOAD_BALANCER, balancer.id),
        "DNSName": balancer.dns_name,
        "CanonicalHostedZoneId": balancer.canonical_hosted_zone_id,
        "CreatedTime": balancer.created_time,
        "LoadBalancerName": balancer.name,
        "Scheme": balancer.scheme,
        "VpcId": balancer.vpc_id,
        "State": {key: value for key, value in state.items() if value is not None},
        "Type": balancer.type,
        "AvailabilityZones": shown_zones(balancer.nodes, reader),
        "IpAddressType": balancer.ip_address_type,
    }
    if balancer.group_ids:
        found["SecurityGroups"] = list(balancer.group_ids)
    if balancer.enforce_private_link_rules:
        found["EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic"] = balancer.enforce_private_link_rules
    return found
