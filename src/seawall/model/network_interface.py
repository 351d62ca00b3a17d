"""An elastic network interface (ENI): the only way a task or gateway touches a VPC."""

from datetime import datetime
from typing import Literal

import msgspec

from seawall.model.resource import Ref, Resource, Tags, kind

InterfaceType = Literal[
    "interface", "nat_gateway", "vpc_endpoint", "transit_gateway", "network_load_balancer"
]


class InterfaceAttachment(msgspec.Struct, frozen=True, kw_only=True):
    attachment_id: str  # eni-attach-... or ela-attach-...
    instance_owner_id: str
    device_index: int = 1
    attach_time: datetime
    status: Literal["attaching", "attached", "detaching", "detached"] = "attaching"
    delete_on_termination: bool = False


class PublicAssociation(msgspec.Struct, frozen=True, kw_only=True):
    """The public address that the internet gateway translates to this interface's private one."""

    public_ip: str
    ip_owner_id: str  # "amazon" for auto-assigned addresses, else the account
    allocation_id: str | None = None
    association_id: str | None = None


class SecondaryAddress(msgspec.Struct, frozen=True, kw_only=True):
    """`draining_until`: a NAT gateway opens no new connections from it, and loses it then."""

    private_ip_address: str
    association: PublicAssociation | None = None
    draining_until: datetime | None = None


class DhcpLease(msgspec.Struct, frozen=True, kw_only=True):
    """What DHCP told an interface when it was made: the names to search in, the servers to ask."""

    domain_name: str | None = None
    domain_name_servers: tuple[str, ...] = ()  # addresses, or "AmazonProvidedDNS"


@kind("network_interface")
class NetworkInterface(Resource, frozen=True, kw_only=True):
    """`owner` is the resource the interface lives and dies with, e.g. Ref("task", ...); None: a user's own.

    Kinds of owners: task, nat_gateway, vpc_endpoint, transit_gateway_attachment, load_balancer.
    """

    vpc_id: str
    subnet_id: str
    availability_zone: str
    private_ip_address: str  # the primary one
    mac_address: str
    description: str
    group_ids: tuple[str, ...]
    interface_type: InterfaceType = "interface"
    requester_id: str = ""
    requester_managed: bool = True
    source_dest_check: bool = True
    status: Literal["available", "attaching", "in-use", "detaching"] = "attaching"
    attachment: InterfaceAttachment | None = None
    association: PublicAssociation | None = None  # of the primary address
    secondary_addresses: tuple[SecondaryAddress, ...] = ()
    ipv6_addresses: tuple[str, ...] = ()
    owner: Ref | None = None
    dhcp: DhcpLease | None = None  # None: AWS's own resolver and domain
    tags: Tags = {}

    @property
    def private_ip_addresses(self) -> tuple[str, ...]:
        """All private IPv4 addresses, the primary one first."""
        return (self.private_ip_address, *(s.private_ip_address for s in self.secondary_addresses))

    @property
    def public_addresses(self) -> dict[str, str]:
        """Private address -> the public one that stands for it."""
        found = {self.private_ip_address: self.association} if self.association else {}
        found |= {s.private_ip_address: s.association for s in self.secondary_addresses if s.association}
        return {private: association.public_ip for private, association in found.items()}

    def refs(self) -> tuple[Ref, ...]:
        groups = tuple(Ref("security_group", group) for group in self.group_ids)
        owner = (self.owner,) if self.owner else ()
        return (Ref("vpc", self.vpc_id), Ref("subnet", self.subnet_id), *groups, *owner, *self._claims())

    def _claims(self) -> tuple[Ref, ...]:
        """Its addresses, each held by being referred to: private ones as SUBNET/ADDRESS."""
        return (
            *(Ref("private_address", f"{self.subnet_id}/{a}") for a in self.private_ip_addresses),
            *(Ref("ipv6_address", f"{self.subnet_id}/{a}") for a in self.ipv6_addresses),
            *(Ref("public_address", a) for a in self.public_addresses.values()),
        )
