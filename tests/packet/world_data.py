"""Plain resources for tests of the network: a few lines make a VPC with everything in it."""

from datetime import datetime, timezone
from ipaddress import IPv4Network
from typing import Any

from msgspec.structs import replace

from seawall.compile.network.snapshot import NetworkSnapshot
from seawall.model.internet_gateway import InternetGateway
from seawall.model.nat_gateway import NatGateway
from seawall.model.network_interface import InterfaceAttachment, NetworkInterface, PublicAssociation
from seawall.model.resource import Ref
from seawall.model.route_table import Route, RouteTable, RouteTableAssociation
from seawall.model.security_group import SecurityGroup, SecurityGroupRule
from seawall.model.subnet import Subnet
from seawall.model.vpc import CidrAssociation, Vpc

BORN = datetime(2026, 1, 1, tzinfo=timezone.utc)
KINDS = {
    Vpc: "vpcs",
    Subnet: "subnets",
    RouteTable: "route_tables",
    InternetGateway: "internet_gateways",
    NatGateway: "nat_gateways",
    SecurityGroup: "security_groups",
    SecurityGroupRule: "security_group_rules",
    NetworkInterface: "network_interfaces",
}


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

    def vpc(self, name: str, cidr: str = "10.0.0.0/16", *, gateway: bool = True, **members: Any) -> str:
        """A VPC with a main table and, unless told otherwise, an internet gateway igw-NAME."""
        id = f"vpc-{name}"
        block = CidrAssociation(association_id=f"vpc-cidr-assoc-{name}", cidr_block=cidr)
        self.put(Vpc(id=id, cidr_blocks=(block,), **members))
        if gateway:
            self.put(InternetGateway(id=f"igw-{name}", vpc_id=id))
        self.table(id, "main", main=True)
        return id

    def table(
        self, vpc: str, name: str, *, main: bool = False, subnets: tuple[str, ...] = (), **to: str
    ) -> str:
        """A route table; `to` maps target kinds to ids of default routes, e.g. internet_gateway="igw-a"."""
        id = f"rtb-{vpc[4:]}-{name}"
        routes = [
            Route(
                destination=self.resources[vpc].cidr_block, target_kind="local", target_id="local"
            )
        ]
        for kind, target in to.items():
            routes.append(Route(destination="0.0.0.0/0", target_kind=kind, target_id=target))
        associations = [RouteTableAssociation(association_id=f"rtbassoc-{s}", subnet_id=s) for s in subnets]
        if main:
            associations.append(RouteTableAssociation(association_id=f"rtbassoc-{id}", main=True))
        self.put(RouteTable(id=id, vpc_id=vpc, routes=tuple(routes), associations=tuple(associations)))
        return id

    def subnet(self, vpc: str, name: str, cidr: str) -> str:
        id = f"subnet-{vpc[4:]}-{name}"
        zone = {"availability_zone": "us-east-1a", "availability_zone_id": "use1-az1"}
        self.put(Subnet(id=id, vpc_id=vpc, cidr_block=cidr, **zone))
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
                cidr_ipv4=peer if "/" in peer else None,
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
