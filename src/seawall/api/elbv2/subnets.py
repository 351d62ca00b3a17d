"""Changing where a load balancer is: SetSubnets, SetIpAddressType."""

from typing import Any

from msgspec.structs import replace

from seawall.api.elbv2.load_balancer import IPV4_ONLY, check_interfaces, refuse_ipv6
from seawall.api.elbv2.load_balancer_node import (
    Place,
    check_places,
    drop_node,
    make_node,
    refused,
    shown_zones,
    wanted_places,
)
from seawall.api.elbv2.names import find_load_balancer
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.load_balancer import LoadBalancer, LoadBalancerNode
from seawall.store.store import Transaction


@operation("elbv2", "SetSubnets", refused=IPV4_ONLY)
def set_subnets(call: Call, params: Params) -> dict[str, Any]:
    """Nodes that stay keep their interfaces; those of other subnets go, new ones come."""
    with call.write() as txn:
        balancer = find_load_balancer(call, txn, params["LoadBalancerArn"])
        refuse_ipv6(params)
        places = wanted_places(txn, params, balancer.type)
        if places[0].subnet.vpc_id != balancer.vpc_id:
            raise refused(f"All subnets must belong to the same VPC: '{balancer.vpc_id}'")
        kept = {node.subnet_id: node for node in balancer.nodes}
        for place in places:
            _check_unchanged(place, kept.get(place.subnet.id))
        chosen = {place.subnet.id for place in places}
        for node in balancer.nodes:
            if node.subnet_id not in chosen:
                drop_node(txn, node)
        new = [place for place in places if place.subnet.id not in kept]
        check_interfaces(txn, balancer, len(new))
        check_places(txn, balancer, new)
        nodes = tuple(_node(call, txn, balancer, place, kept) for place in places)
        txn.put(replace(balancer, nodes=nodes))
        return {
            "AvailabilityZones": shown_zones(nodes, txn),
            "IpAddressType": balancer.ip_address_type,
        }


def _node(
    call: Call, txn: Transaction, balancer: LoadBalancer, place: Place, kept: dict[str, LoadBalancerNode]
) -> LoadBalancerNode:
    return kept.get(place.subnet.id) or make_node(call, txn, balancer, place)


def _check_unchanged(place: Place, node: LoadBalancerNode | None) -> None:
    """A node that is there keeps its addresses.  Raises ApiError InvalidConfigurationRequest."""
    if node is None:
        return
    private = str(place.private_address) if place.private_address else None
    if place.allocation_id not in (None, node.allocation_id) or private not in (
        None,
        node.private_ipv4_address,
    ):
        raise refused(
            f"The addresses of the load balancer in the subnet '{place.subnet.id}' cannot be changed"
        )


@operation("elbv2", "SetIpAddressType", refused={"IpAddressType": "ipv4 only"})
def set_ip_address_type(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        balancer = find_load_balancer(call, txn, params["LoadBalancerArn"])
        refuse_ipv6(params)
    return {"IpAddressType": balancer.ip_address_type}
