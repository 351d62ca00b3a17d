"""What a VPC is born with: a main route table, a default network ACL and a default security group."""

from seawall.model.network_acl import NetworkAcl, NetworkAclEntry
from seawall.model.resource import Tags
from seawall.model.route_table import Route, RouteTable, RouteTableAssociation
from seawall.model.security_group import SecurityGroup, SecurityGroupRule
from seawall.model.subnet import Subnet
from seawall.model.vpc import CidrAssociation, Vpc
from seawall.store.ids import new_id
from seawall.store.store import Transaction

EVERYWHERE = "0.0.0.0/0"
IPV6_EVERYWHERE = "::/0"


def new_vpc(
    txn: Transaction,
    cidr_block: str,
    *,
    is_default: bool = False,
    enable_dns_hostnames: bool = False,
    instance_tenancy: str = "default",
    dhcp_options_id: str,
    tags: Tags | None = None,
) -> Vpc:
    """Write a VPC and everything it is born with."""
    vpc = Vpc(
        id=new_id("vpc"),
        cidr_blocks=(CidrAssociation(association_id=new_id("vpc-cidr-assoc"), cidr_block=cidr_block),),
        is_default=is_default,
        enable_dns_hostnames=enable_dns_hostnames,
        instance_tenancy=instance_tenancy,
        dhcp_options_id=dhcp_options_id,
        tags=tags or {},
    )
    txn.put(vpc, expect=0)
    main = RouteTableAssociation(association_id=new_id("rtbassoc"), main=True)
    new_route_table(txn, vpc, associations=(main,))
    txn.put(
        NetworkAcl(
            id=new_id("acl"),
            vpc_id=vpc.id,
            is_default=True,
            entries=(born_entry(egress=True), born_entry(egress=False)),
        )
    )
    group = new_security_group(txn, vpc.id, "default", "default VPC security group")
    put_rule(txn, group, is_egress=False, protocol="-1", referenced_group_id=group.id)
    return vpc


def new_route_table(
    txn: Transaction,
    vpc: Vpc,
    *,
    associations: tuple[RouteTableAssociation, ...] = (),
    tags: Tags | None = None,
) -> RouteTable:
    """Write a route table with its local routes."""
    table = RouteTable(
        id=new_id("rtb"),
        vpc_id=vpc.id,
        routes=tuple(local_route(block) for block in vpc.all_blocks),
        associations=associations,
        tags=tags or {},
    )
    txn.put(table, expect=0)
    return table


def born_entry(egress: bool, *, ipv6: bool = False) -> NetworkAclEntry:
    """The entry by which a default network ACL allows everything of one family and direction."""
    number, block = (101, IPV6_EVERYWHERE) if ipv6 else (100, EVERYWHERE)
    return NetworkAclEntry(
        rule_number=number, protocol="-1", rule_action="allow", egress=egress, cidr_block=block
    )


def local_route(cidr_block: str) -> Route:
    return Route(destination=cidr_block, target_kind="local", target_id="local", origin="CreateRouteTable")


def new_security_group(
    txn: Transaction, vpc_id: str, name: str, description: str, tags: Tags | None = None
) -> SecurityGroup:
    """Write a group with the rules every group is born with: all traffic out, of the families of its VPC."""
    group = SecurityGroup(id=new_id("sg"), vpc_id=vpc_id, name=name, description=description, tags=tags or {})
    txn.put(group, expect=0)
    put_rule(txn, group, is_egress=True, protocol="-1", cidr_ipv4=EVERYWHERE)
    if txn.get(Vpc, vpc_id).ipv6_cidr_blocks:
        put_rule(txn, group, is_egress=True, protocol="-1", cidr_ipv6=IPV6_EVERYWHERE)
    return group


def put_rule(
    txn: Transaction,
    group: SecurityGroup,
    *,
    is_egress: bool,
    protocol: str,
    from_port: int | None = None,
    to_port: int | None = None,
    cidr_ipv4: str | None = None,
    cidr_ipv6: str | None = None,
    referenced_group_id: str | None = None,
) -> SecurityGroupRule:
    rule = SecurityGroupRule(
        id=new_id("sgr"),
        group_id=group.id,
        is_egress=is_egress,
        protocol=protocol,
        from_port=from_port,
        to_port=to_port,
        cidr_ipv4=cidr_ipv4,
        cidr_ipv6=cidr_ipv6,
        referenced_group_id=referenced_group_id,
    )
    txn.put(rule, expect=0)
    return rule


def new_subnet(
    txn: Transaction,
    vpc: Vpc,
    cidr_block: str,
    *,
    availability_zone: str,
    availability_zone_id: str,
    ipv6_cidr_block: str | None = None,
    default_for_az: bool = False,
    tags: Tags | None = None,
) -> Subnet:
    """Write a subnet; a default one gives public addresses on launch."""
    subnet = Subnet(
        id=new_id("subnet"),
        vpc_id=vpc.id,
        cidr_block=cidr_block,
        ipv6_cidr_block=ipv6_cidr_block,
        ipv6_association_id=new_id("subnet-cidr-assoc") if ipv6_cidr_block else None,
        availability_zone=availability_zone,
        availability_zone_id=availability_zone_id,
        map_public_ip_on_launch=default_for_az,
        default_for_az=default_for_az,
        tags=tags or {},
    )
    txn.put(subnet, expect=0)
    return subnet
