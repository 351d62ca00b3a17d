"""A snapshot with the look-ups that a walk needs."""

from collections.abc import Iterable
from functools import cached_property, lru_cache
from ipaddress import ip_address, ip_network

from seawall.compile.network.snapshot import NetworkSnapshot
from seawall.model.egress_only_internet_gateway import EgressOnlyInternetGateway
from seawall.model.internet_gateway import InternetGateway
from seawall.model.nat_gateway import NatGateway
from seawall.model.network_acl import NetworkAcl
from seawall.model.network_interface import NetworkInterface
from seawall.model.route_table import RouteTable
from seawall.model.security_group import SecurityGroupRule
from seawall.model.subnet import Subnet
from seawall.model.transit_gateway import TransitGatewayAttachment
from seawall.model.vpc import Vpc
from seawall.model.vpc_endpoint import VpcEndpoint
from seawall.model.vpc_peering_connection import VpcPeeringConnection

LIVE = ("pending", "available", "modifying")


class Cloud:
    """`standing` are the interfaces that packets can reach and leave."""

    def __init__(self, snapshot: NetworkSnapshot) -> None:
        self.snapshot = snapshot
        self.vpcs: dict[str, Vpc] = {vpc.id: vpc for vpc in snapshot.vpcs}
        self.subnets: dict[str, Subnet] = {subnet.id: subnet for subnet in snapshot.subnets}
        self.lists = {entry.id: entry for entry in snapshot.prefix_lists}
        self.standing = {i.id: i for i in snapshot.network_interfaces if self._stands(i)}
        self._by_address = {
            (i.vpc_id, address): i for i in self.standing.values() for address in addresses(i)
        }

    @cached_property
    def nat_gateways(self) -> dict[str, NatGateway]:
        """Those that work, by interface."""
        return {
            nat.network_interface_id: nat
            for nat in self.snapshot.nat_gateways
            if nat.state in LIVE and nat.network_interface_id
        }

    @cached_property
    def attachments(self) -> dict[str, TransitGatewayAttachment]:
        """Those that work, by id."""
        gateways = {g.id for g in self.snapshot.transit_gateways if g.state in LIVE}
        return {
            a.id: a
            for a in self.snapshot.transit_gateway_attachments
            if a.state in LIVE and a.transit_gateway_id in gateways
        }

    @cached_property
    def endpoints(self) -> dict[str, VpcEndpoint]:
        return {e.id: e for e in self.snapshot.vpc_endpoints if e.state in LIVE}

    @cached_property
    def nodes(self) -> frozenset[str]:
        """The interfaces of load balancers that are not going."""
        living = (balancer for balancer in self.snapshot.load_balancers if not balancer.deleting)
        return frozenset(node.network_interface_id for balancer in living for node in balancer.nodes)

    @cached_property
    def rules(self) -> dict[str, list[SecurityGroupRule]]:
        """By group, in the order of ids."""
        found: dict[str, list[SecurityGroupRule]] = {}
        for rule in sorted(self.snapshot.security_group_rules, key=lambda rule: rule.id):
            found.setdefault(rule.group_id, []).append(rule)
        return found

    @cached_property
    def public(self) -> dict[str, tuple[NetworkInterface, str]]:
        """Public IPv4 address -> the interface and the private address it stands for, where a gateway is."""
        return {
            public: (interface, private)
            for interface in self.standing.values()
            if self.internet_gateway(interface.vpc_id)
            for private, public in self.public_addresses(interface).items()
        }

    def public_addresses(self, interface: NetworkInterface) -> dict[str, str]:
        """Private -> public."""
        allocated = {
            e.private_ip_address or interface.private_ip_address: e.public_ip
            for e in self.snapshot.elastic_ips
            if e.network_interface_id == interface.id
        }
        return allocated | interface.public_addresses

    def interface_at(self, vpc_id: str, address: str) -> NetworkInterface | None:
        return self._by_address.get((vpc_id, address))

    def internet_gateway(self, vpc_id: str) -> InternetGateway | None:
        return next((g for g in self.snapshot.internet_gateways if g.vpc_id == vpc_id), None)

    def egress_only_gateway(self, vpc_id: str) -> EgressOnlyInternetGateway | None:
        found = (g for g in self.snapshot.egress_only_internet_gateways if g.vpc_id == vpc_id)
        return next(found, None)

    def table_of(self, subnet_id: str) -> RouteTable | None:
        """The table a subnet is associated with, else its VPC's main one."""
        vpc_id = self.subnets[subnet_id].vpc_id
        tables = [t for t in self.snapshot.route_tables if t.vpc_id == vpc_id]
        explicit = (t for t in tables if any(a.subnet_id == subnet_id for a in t.associations))
        return next(explicit, next((t for t in tables if t.is_main), None))

    def table_of_gateway(self, gateway_id: str) -> RouteTable | None:
        named = (
            t for t in self.snapshot.route_tables if any(a.gateway_id == gateway_id for a in t.associations)
        )
        return next(named, None)

    def acl_of(self, subnet_id: str) -> NetworkAcl | None:
        vpc_id = self.subnets[subnet_id].vpc_id
        acls = [acl for acl in self.snapshot.network_acls if acl.vpc_id == vpc_id]
        explicit = (acl for acl in acls if any(a.subnet_id == subnet_id for a in acl.associations))
        return next(explicit, next((acl for acl in acls if acl.is_default), None))

    def peerings_of(self, vpc_id: str) -> list[VpcPeeringConnection]:
        """Those that carry packets."""
        return [
            p
            for p in self.snapshot.vpc_peering_connections
            if p.status in ("provisioning", "active")
            and vpc_id in (p.requester_vpc_id, p.accepter_vpc_id)
            and p.other(vpc_id) in self.vpcs
        ]

    def blocks(self, destination: str) -> Iterable[str]:
        """A block itself, or those of a prefix list."""
        if not destination.startswith("pl-"):
            return (destination,)
        listed = self.lists.get(destination)
        return tuple(entry.cidr for entry in listed.entries) if listed else ()

    def _stands(self, interface: NetworkInterface) -> bool:
        owner = interface.owner
        if owner is None or interface.status == "detaching" or interface.subnet_id not in self.subnets:
            return False
        match owner.kind:
            case "task":
                return True
            case "nat_gateway":
                return interface.id in self.nat_gateways
            case "transit_gateway_attachment":
                attachment = self.attachments.get(owner.id)
                return attachment is not None and interface.id in attachment.network_interface_ids
            case "vpc_endpoint":
                endpoint = self.endpoints.get(owner.id)
                return endpoint is not None and interface.id in endpoint.network_interface_ids
            case "load_balancer":
                return interface.id in self.nodes
        return False


def addresses(interface: NetworkInterface) -> tuple[str, ...]:
    return (*interface.private_ip_addresses, *interface.ipv6_addresses)


# A walk asks about the same few blocks and addresses again and again, and to parse them is most of its time.
parsed = lru_cache(maxsize=4096)(ip_network)
_address = lru_cache(maxsize=4096)(ip_address)


def within(address: str, block: str) -> bool:
    """Whether an address lies in a block; one of the other family does not."""
    found, network = _address(address), parsed(block)
    return found.version == network.version and found in network


def within_any(address: str, blocks: Iterable[str]) -> bool:
    return any(within(address, block) for block in blocks)
