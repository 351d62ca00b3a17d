"""What an AWS account has on its first day: the default network of its region."""

import secrets
from datetime import datetime
from ipaddress import IPv4Network

from msgspec.structs import replace

from seawall.api.ec2.birth import EVERYWHERE, new_security_group, new_subnet, new_vpc, put_rule
from seawall.api.ec2.dhcp_options import default_dhcp_options
from seawall.api.ec2.prefix_list_aws import put_aws_prefix_lists
from seawall.api.ec2.zone_names import zones
from seawall.model.internet_gateway import InternetGateway
from seawall.model.resource import Ref
from seawall.model.route_table import Route, RouteTable
from seawall.model.vpc import Vpc
from seawall.store.ids import new_id
from seawall.store.store import Transaction

DEFAULT_BLOCK = IPv4Network("172.31.0.0/16")
_SUFFIX = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def create_default_network(txn: Transaction, *, account: str, region: str, now: datetime) -> Vpc:
    """The default VPC, and the security group that the ECS console's first-run wizard used to leave behind.

    The wizard's CloudFormation stack EC2ContainerService-default made a group "ECS Allowed Ports" that lets
    TCP port 80 in from anywhere; its name carries CloudFormation's random suffix.
    """
    put_aws_prefix_lists(txn, region)
    vpc = create_default_vpc(txn, region)
    suffix = "".join(secrets.choice(_SUFFIX) for _ in range(12))
    group = new_security_group(
        txn, vpc.id, f"EC2ContainerService-default-EcsSecurityGroup-{suffix}", "ECS Allowed Ports"
    )
    put_rule(txn, group, is_egress=False, protocol="tcp", from_port=80, to_port=80, cidr_ipv4=EVERYWHERE)
    return vpc


def create_default_vpc(txn: Transaction, region: str) -> Vpc:
    """172.31.0.0/16 with a /20 default subnet in the first two zones, a gateway and the route to it."""
    vpc = new_vpc(
        txn,
        str(DEFAULT_BLOCK),
        is_default=True,
        enable_dns_hostnames=True,
        dhcp_options_id=default_dhcp_options(txn, region).id,
    )
    blocks = DEFAULT_BLOCK.subnets(new_prefix=20)
    for (zone, zone_id), block in zip(list(zones(region).items())[:2], blocks, strict=False):
        new_subnet(
            txn, vpc, str(block), availability_zone=zone, availability_zone_id=zone_id, default_for_az=True
        )
    gateway = InternetGateway(id=new_id("igw"), vpc_id=vpc.id)
    txn.put(gateway)
    (main,) = txn.referrers(RouteTable, Ref("vpc", vpc.id))
    route = Route(destination=EVERYWHERE, target_kind="internet_gateway", target_id=gateway.id)
    txn.put(replace(main, routes=(*main.routes, route)))
    return vpc
