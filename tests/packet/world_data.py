"""Plain resources for tests of the network: a few lines make a VPC with everything in it."""

from datetime import datetime, timezone
from ipaddress import IPv4Network
from typing import Any, get_args, get_origin

import msgspec
from msgspec.structs import replace

from seawall.compile.network.snapshot import NetworkSnapshot
from seawall.model.egress_only_internet_gateway import EgressOnlyInternetGateway
from seawall.model.internet_gateway import InternetGateway
from seawall.model.nat_gateway import NatGateway
from seawall.model.network_acl import NetworkAcl, NetworkAclAssociation, NetworkAclEntry
from seawall.model.network_interface import InterfaceAttachment, NetworkInterface, PublicAssociation
from seawall.model.prefix_list import PrefixList, PrefixListEntry
from seawall.model.resource import Ref
from seawall.model.route_table import Route, RouteTable, RouteTableAssociation
from seawall.model.security_group import SecurityGroup, SecurityGroupRule
from seawall.model.subnet import Subnet
from seawall.model.vpc import CidrAssociation, Ipv6CidrAssociation, Vpc

BORN = datetime(2026, 1, 1, tzinfo=timezone.utc)
KINDS = {
    get_args(field.type)[0]: field.name
    for field in msgspec.structs.fields(NetworkSnapshot)
    if get_origin(field.type) is tuple
}
PROTOCOLS = {"tcp": "6", "udp": "17", "icmp": "1", "icmpv6": "58"}


class Cloud:
    """Resources by id; `snapshot()` freezes them."""

    def __init__(self, **services: str) -> None:
        self.resources: dict[str, Any] = {}
        self.services = {name.replace("__", "."): address for name, address in services.items()}

    def snapshot(self) -> NetworkSnapshot:
        groups: dict[str, list[Any]] = {name: [] for name in KINDS.values()}
        for resource in self.resources.values():
            groups[KINDS[type(resource)]].append(resource)
        return NetworkSnapshot(
            region="us-east-1",
            account="123456789012",
            services=self.services,
            **{name: tuple(found) for name, found in groups.items()},
        )

    def put(self, resource: Any) -> Any:
        self.resources[resource.id] = resource
        return resource

    def drop(self, id: str) -> None:
        del self.resources[id]

    def change(self, id: str, **members: Any) -> Any:
        return self.put(replace(self.resources[id], **members))

    def vpc(
        self,
        name: str,
        cidr: str = "10.0.0.0/16",
        *,
        gateway: bool = True,
        ipv6: str | None = None,
        **members: Any,
    ) -> str:
        """A VPC with a main table and, unless told otherwise, an internet gateway igw-NAME."""
        id = f"vpc-{name}"
        block = CidrAssociation(association_id=f"vpc-cidr-assoc-{name}", cidr_block=cidr)
        if ipv6 is not None:
            six = Ipv6CidrAssociation(association_id=f"vpc-cidr-assoc-{name}6", ipv6_cidr_block=ipv6)
            members["ipv6_cidr_blocks"] = (six,)
        self.put(Vpc(id=id, cidr_blocks=(block,), **members))
        if gateway:
            self.put(InternetGateway(id=f"igw-{name}", vpc_id=id))
        self.table(id, "main", main=True)
        return id

    def egress_only_gateway(self, vpc: str) -> str:
        return str(self.put(EgressOnlyInternetGateway(id=f"eigw-{vpc[4:]}", vpc_id=vpc)).id)

    def table(
        self, vpc: str, name: str, *, main: bool = False, subnets: tuple[str, ...] = (), **to: str
    ) -> str:
        """A route table; `to` maps target kinds to ids of default routes, e.g. internet_gateway="igw-a"."""
        id = f"rtb-{vpc[4:]}-{name}"
        blocks = self.resources[vpc].all_blocks
        routes = [Route(destination=block, target_kind="local", target_id="local") for block in blocks]
        for kind, target in to.items():
            routes.append(Route(destination="0.0.0.0/0", target_kind=kind, target_id=target))
        associations = [RouteTableAssociation(association_id=f"rtbassoc-{s}", subnet_id=s) for s in subnets]
        if main:
            associations.append(RouteTableAssociation(association_id=f"rtbassoc-{id}", main=True))
        self.put(RouteTable(id=id, vpc_id=vpc, routes=tuple(routes), associations=tuple(associations)))
        return id

    def route(self, table: str, destination: str, **to: str) -> None:
        """A further route; `to` is one target kind and its id, as for `table`."""
        ((kind, target),) = to.items()
        route = Route(destination=destination, target_kind=kind, target_id=target)
        self.change(table, routes=(*self.resources[table].routes, route))

    def prefix_list(self, name: str, *blocks: str) -> str:
        entries = tuple(PrefixListEntry(cidr=block) for block in blocks)
        family = "IPv6" if any(":" in block for block in blocks) else "IPv4"
        made = PrefixList(
            id=f"pl-{name}",
            name=name,
            owner_id="123456789012",
            address_family=family,
            max_entries=len(blocks),
            entries=entries,
        )
        return str(self.put(made).id)

    def acl(self, vpc: str, name: str, *entries: str, subnets: tuple[str, ...] = ()) -> str:
        """A network ACL; without subnets the default one.

        An entry is "in|out NUMBER allow|deny PROTOCOL[:FROM[-TO]] BLOCK"; for ICMP FROM is the type, TO the
        code.
        """
        id = f"acl-{vpc[4:]}-{name}"
        self.put(
            NetworkAcl(
                id=id,
                vpc_id=vpc,
                is_default=not subnets,
                entries=tuple(_acl_entry(*entry.split()) for entry in entries),
                associations=tuple(
                    NetworkAclAssociation(association_id=f"aclassoc-{s}", subnet_id=s) for s in subnets
                ),
            )
        )
        return id

    def subnet(self, vpc: str, name: str, cidr: str, **members: Any) -> str:
        id = f"subnet-{vpc[4:]}-{name}"
        zone = {"availability_zone": "us-east-1a", "availability_zone_id": "use1-az1"}
        self.put(Subnet(id=id, vpc_id=vpc, cidr_block=cidr, **(zone | members)))
        return id

    def group(self, vpc: str, name: str, *ingress: str, egress: tuple[str, ...] = ("-1 0.0.0.0/0",)) -> str:
        """A security group.  A rule is "PROTOCOL[:FROM[-TO]] PEER", e.g. "tcp:80 sg-a-web"."""
        id = f"sg-{vpc[4:]}-{name}"
        self.put(SecurityGroup(id=id, vpc_id=vpc, name=name, description="test"))
        for number, text in enumerate(ingress):
            self.rule(id, f"in{number}", text)
        for number, text in enumerate(egress):
            self.rule(id, f"out{number}", text, is_egress=True)
        return id

    def rule(self, group: str, name: str, text: str, *, is_egress: bool = False) -> str:
        what, peer = text.split()
        protocol, _, ports = what.partition(":")
        first, _, last = ports.partition("-")
        id = f"sgr-{group[3:]}-{name}"
        self.put(
            SecurityGroupRule(
                id=id,
                group_id=group,
                is_egress=is_egress,
                protocol=protocol,
                from_port=int(first) if first else None,
                to_port=int(last or first) if first else None,
                cidr_ipv4=peer if "/" in peer and ":" not in peer else None,
                cidr_ipv6=peer if "/" in peer and ":" in peer else None,
                prefix_list_id=peer if peer.startswith("pl-") else None,
                referenced_group_id=peer if peer.startswith("sg-") else None,
            )
        )
        return id

    def task(
        self, name: str, subnet: str, address: str, *groups: str, public: str | None = None, **members: Any
    ) -> str:
        """A task's interface eni-NAME; returns the task's namespace."""
        self.put(self._interface(name, subnet, address, groups, public, Ref("task", name), **members))
        return f"task-{name}"

    def nat(self, name: str, subnet: str, address: str, public: str | None) -> str:
        """A NAT gateway nat-NAME; returns its id."""
        id = f"nat-{name}"
        interface = self._interface(
            f"nat-{name}",
            subnet,
            address,
            (),
            public,
            Ref("nat_gateway", id),
            interface_type="nat_gateway",
            source_dest_check=False,
        )
        self.put(interface)
        self.put(
            NatGateway(
                id=id,
                vpc_id=interface.vpc_id,
                subnet_id=subnet,
                connectivity_type="public" if public else "private",
                network_interface_id=interface.id,
                state="available",
                create_time=BORN,
            )
        )
        return id

    def _interface(
        self,
        name: str,
        subnet: str,
        address: str,
        groups: tuple[str, ...],
        public: str | None,
        owner: Ref,
        **members: Any,
    ) -> NetworkInterface:
        where = self.resources[subnet]
        assert address in {str(a) for a in IPv4Network(where.cidr_block)}
        octets = [int(part) for part in address.split(".")]
        attachment = InterfaceAttachment(
            attachment_id=f"eni-attach-{name}", instance_owner_id="amazon-ecs", attach_time=BORN
        )
        return NetworkInterface(
            id=f"eni-{name}",
            vpc_id=where.vpc_id,
            subnet_id=subnet,
            availability_zone=where.availability_zone,
            private_ip_address=address,
            mac_address="0a:58:" + ":".join(f"{octet:02x}" for octet in octets),
            description="",
            group_ids=groups,
            status="in-use",
            attachment=attachment,
            association=PublicAssociation(public_ip=public, ip_owner_id="amazon") if public else None,
            owner=owner,
            **members,
        )


def _acl_entry(way: str, number: str, action: str, what: str, block: str) -> NetworkAclEntry:
    protocol, _, ports = what.partition(":")
    first, _, last = ports.partition("-")
    from_port, to_port = (int(first), int(last or first)) if first else (None, None)
    kind: dict[str, Any] = (
        {"icmp_type": from_port, "icmp_code": int(last) if last else -1}
        if protocol.startswith("icmp")
        else {"from_port": from_port, "to_port": to_port}
    )
    return NetworkAclEntry(
        rule_number=int(number),
        protocol=PROTOCOLS.get(protocol, protocol),
        rule_action="allow" if action == "allow" else "deny",
        egress=way == "out",
        cidr_block=block,
        **kind,
    )
