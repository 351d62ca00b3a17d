"""The part of the store that the network is compiled from, as one frozen value."""

from seawall.compile.network.snapshot import NetworkSnapshot
from seawall.controllers.loop import Context
from seawall.model.elastic_ip import ElasticIp
from seawall.model.internet_gateway import InternetGateway
from seawall.model.nat_gateway import NatGateway
from seawall.model.network_interface import NetworkInterface
from seawall.model.route_table import RouteTable
from seawall.model.security_group import SecurityGroup, SecurityGroupRule
from seawall.model.subnet import Subnet
from seawall.model.vpc import Vpc

NETWORK_KINDS = frozenset(
    kind.KIND
    for kind in (
        Vpc,
        Subnet,
        RouteTable,
        InternetGateway,
        NatGateway,
        ElasticIp,
        SecurityGroup,
        SecurityGroupRule,
        NetworkInterface,
    )
)


def network_snapshot(context: Context) -> NetworkSnapshot:
    """Everything the network is made of, at this moment."""
    store = context.store
    return NetworkSnapshot(
        vpcs=tuple(store.all(Vpc)),
        subnets=tuple(store.all(Subnet)),
        route_tables=tuple(store.all(RouteTable)),
        internet_gateways=tuple(store.all(InternetGateway)),
        nat_gateways=tuple(store.all(NatGateway)),
        elastic_ips=tuple(store.all(ElasticIp)),
        security_groups=tuple(store.all(SecurityGroup)),
        security_group_rules=tuple(store.all(SecurityGroupRule)),
        network_interfaces=tuple(store.all(NetworkInterface)),
        region=context.region,
        account=context.account,
        services=context.services,
        uplink=context.uplink,
    )
