"""A load balancer's nodes: one in each availability zone, an interface in the subnet chosen there."""

from collections.abc import Sequence
from ipaddress import AddressValueError, IPv4Address, IPv4Network
from typing import Any, NamedTuple

from msgspec.structs import replace

from seawall.api.ec2.addressing import free_address_count
from seawall.api.ec2.interface_creation import create_interface
from seawall.api.elbv2.names import invalid
from seawall.api.params import Params
from seawall.api.registry import Call
from seawall.model.elastic_ip import ElasticIp
from seawall.model.internet_gateway import InternetGateway
from seawall.model.load_balancer import LoadBalancer, LoadBalancerNode, LoadBalancerType
from seawall.model.network_interface import NetworkInterface
from seawall.model.resource import Ref
from seawall.model.subnet import Subnet
from seawall.store.store import Reader, Transaction
from seawall.wire.errors import ApiError, NotImplementedHere

REQUESTER = "amazon-elb"
FREE_ADDRESSES = 8
ONLY_INTERNAL = (
    "You can only specify private IPv4 addresses for Network Load Balancers with scheme 'internal'."
)


class Place(NamedTuple):
    """Where a node shall be, and the addresses a user chose for it."""

    subnet: Subnet
    allocation_id: str | None = None
    private_address: IPv4Address | None = None


def refused(text: str, code: str = "InvalidConfigurationRequest") -> ApiError:
    return ApiError(code, text)


def wanted_places(reader: Reader, params: Params, type: LoadBalancerType) -> list[Place]:
    """The places that Subnets or SubnetMappings name, checked against each other.

    Raises ApiError ValidationError, SubnetNotFound, InvalidConfigurationRequest.
    """
    subnets, mappings = params.get("Subnets") or (), params.get("SubnetMappings") or ()
    if subnets and mappings:
        raise invalid("You must specify either subnets or subnet mappings, but not both")
    if mappings:
        places = [_mapped(reader, mapping, type) for mapping in mappings]
    else:
        places = [Place(_subnet(reader, id)) for id in dict.fromkeys(subnets)]
    if not places:
        raise invalid("At least one subnet must be specified")
    vpc_id = places[0].subnet.vpc_id
    if any(place.subnet.vpc_id != vpc_id for place in places):
        raise refused(f"All subnets must belong to the same VPC: '{vpc_id}'")
    zones = {place.subnet.availability_zone for place in places}
    if len(zones) < len(places):
        raise refused("A load balancer cannot be attached to multiple subnets in the same Availability Zone")
    if type == "application" and len(places) < 2:
        raise invalid("At least two subnets in two different Availability Zones must be specified")
    return places


def check_places(reader: Reader, balancer: LoadBalancer, places: Sequence[Place]) -> None:
    """Whether new nodes can be there.  Raises ApiError InvalidSubnet, InvalidConfigurationRequest,
    AllocationIdNotFound, ResourceInUse."""
    if balancer.scheme == "internet-facing":
        gateways = reader.referrers(InternetGateway, Ref("vpc", balancer.vpc_id))
        if not gateways:
            raise refused(f"VPC {balancer.vpc_id} has no internet gateway", "InvalidSubnet")
    for place in places:
        if free_address_count(reader, place.subnet) < FREE_ADDRESSES:
            raise refused(
                f"Not enough IP space available in {place.subnet.id}. ELB requires at least"
                f" {FREE_ADDRESSES} free IP addresses in each subnet.",
                "InvalidSubnet",
            )
        _check_addresses(reader, balancer, place)


def _check_addresses(reader: Reader, balancer: LoadBalancer, place: Place) -> None:
    if place.allocation_id:
        if balancer.scheme == "internal":
            raise refused("Elastic IP addresses cannot be specified for an internal load balancer")
        address = reader.find(ElasticIp, place.allocation_id)
        if address is None:
            raise refused(f"The allocation ID '{place.allocation_id}' does not exist", "AllocationIdNotFound")
        if address.association_id:
            raise refused(f"The allocation ID '{place.allocation_id}' is already in use", "ResourceInUse")
    if place.private_address is None:
        return
    if balancer.scheme != "internal":
        raise refused(ONLY_INTERNAL)
    network = IPv4Network(place.subnet.cidr_block)
    first, last = int(network.network_address) + 4, int(network.broadcast_address) - 1
    if not first <= int(place.private_address) <= last:
        raise refused(
            f"The private IPv4 address '{place.private_address}' is not within the range of the subnet"
            f" '{place.subnet.id}'"
        )
    if reader.claimed(Ref("private_address", f"{place.subnet.id}/{place.private_address}")):
        raise refused(
            f"The private IPv4 address '{place.private_address}' is already in use", "ResourceInUse"
        )


def make_node(call: Call, txn: Transaction, balancer: LoadBalancer, place: Place) -> LoadBalancerNode:
    """Write a node's interface; returns the node, for the load balancer's document."""
    public: bool | ElasticIp | None = None
    if place.allocation_id:
        public = txn.get(ElasticIp, place.allocation_id)
    elif balancer.scheme == "internet-facing":
        public = True
    interface = create_interface(
        txn,
        account=call.account,
        subnet=place.subnet,
        group_ids=balancer.group_ids,
        description=f"ELB {balancer.id}",
        requester_id=REQUESTER,
        owner=balancer.ref,
        now=call.now,
        interface_type="interface" if balancer.type == "application" else "network_load_balancer",
        public=public,
        wanted=place.private_address,
    )
    return LoadBalancerNode(
        availability_zone=place.subnet.availability_zone,
        subnet_id=place.subnet.id,
        network_interface_id=interface.id,
        allocation_id=place.allocation_id,
        private_ipv4_address=str(place.private_address) if place.private_address else None,
    )


def drop_node(txn: Transaction, node: LoadBalancerNode) -> None:
    """Let a node's interface go.  The loop of load balancers removes it, and frees its Elastic IP, once the
    host has it no more."""
    interface = txn.get(NetworkInterface, node.network_interface_id)
    attachment = interface.attachment and replace(interface.attachment, status="detaching")
    txn.put(replace(interface, status="detaching", attachment=attachment))


def _mapped(reader: Reader, mapping: Params, type: LoadBalancerType) -> Place:
    for member in ("IPv6Address", "SourceNatIpv6Prefix"):
        if mapping.get(member):
            raise NotImplementedHere(f"SubnetMappings.{member}: load balancers have IPv4 addresses only.")
    id = mapping.get("SubnetId")
    if not id:
        raise invalid("A subnet ID must be specified in each subnet mapping")
    allocation_id, text = mapping.get("AllocationId"), mapping.get("PrivateIPv4Address")
    if type == "application" and (allocation_id or text):
        if allocation_id:
            raise refused(f"Elastic IPs are not supported for load balancers with type '{type}'")
        raise refused(ONLY_INTERNAL)
    if allocation_id and text:
        raise invalid("You cannot specify both an allocation ID and a private IPv4 address for a subnet")
    return Place(_subnet(reader, id), allocation_id or None, _address(text) if text else None)


def _address(text: str) -> IPv4Address:
    try:
        return IPv4Address(text)
    except AddressValueError as error:
        raise invalid(f"The private IPv4 address '{text}' is not valid") from error


def _subnet(reader: Reader, id: str) -> Subnet:
    subnet = reader.find(Subnet, id)
    if subnet is None:
        raise ApiError("SubnetNotFound", f"The subnet ID '{id}' does not exist")
    return subnet


def shown_zones(nodes: Sequence[LoadBalancerNode], reader: Reader) -> list[dict[str, Any]]:
    return [
        {
            "ZoneName": node.availability_zone,
            "SubnetId": node.subnet_id,
            "LoadBalancerAddresses": _shown_addresses(node, reader),
        }
        for node in nodes
    ]


def _shown_addresses(node: LoadBalancerNode, reader: Reader) -> list[dict[str, Any]]:
    """The addresses a user chose; others are told by nobody but DNS."""
    if node.allocation_id:
        address = reader.find(ElasticIp, node.allocation_id)
        return [{"IpAddress": address.public_ip, "AllocationId": address.id}] if address else []
    if node.private_ipv4_address:
        return [{"PrivateIPv4Address": node.private_ipv4_address}]
    return []
