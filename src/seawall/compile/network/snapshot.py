"""What the network is compiled from: everything that concerns packets, at one moment."""

from collections.abc import Mapping

import msgspec

from seawall.model.dhcp_options import DhcpOptions
from seawall.model.egress_only_internet_gateway import EgressOnlyInternetGateway
from seawall.model.elastic_ip import ElasticIp
from seawall.model.health_check import HealthCheck
from seawall.model.hosted_zone import HostedZone, RecordSet
from seawall.model.internet_gateway import InternetGateway
from seawall.model.listener import Listener, ListenerRule
from seawall.model.load_balancer import LoadBalancer
from seawall.model.nat_gateway import NatGateway
from seawall.model.network_acl import NetworkAcl
from seawall.model.network_interface import NetworkInterface
from seawall.model.prefix_list import PrefixList
from seawall.model.route_table import RouteTable
from seawall.model.security_group import SecurityGroup, SecurityGroupRule
from seawall.model.service_discovery import DiscoveryInstance, DiscoveryNamespace, DiscoveryService
from seawall.model.subnet import Subnet
from seawall.model.target_group import Target, TargetGroup
from seawall.model.transit_gateway import (
    TransitGateway,
    TransitGatewayAttachment,
    TransitGatewayRouteTable,
)
from seawall.model.vpc import Vpc
from seawall.model.vpc_endpoint import VpcEndpoint
from seawall.model.vpc_peering_connection import VpcPeeringConnection


class NetworkSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """All resources of one account and region that the network is made of.

    services   host name -> address for AWS's own services; "*.example.com" stands for every name below it
    uplink     the world's internet has a way to the real one
    """

    vpcs: tuple[Vpc, ...] = ()
    subnets: tuple[Subnet, ...] = ()
    route_tables: tuple[RouteTable, ...] = ()
    internet_gateways: tuple[InternetGateway, ...] = ()
    nat_gateways: tuple[NatGateway, ...] = ()
    elastic_ips: tuple[ElasticIp, ...] = ()
    security_groups: tuple[SecurityGroup, ...] = ()
    security_group_rules: tuple[SecurityGroupRule, ...] = ()
    network_acls: tuple[NetworkAcl, ...] = ()
    network_interfaces: tuple[NetworkInterface, ...] = ()
    prefix_lists: tuple[PrefixList, ...] = ()
    egress_only_internet_gateways: tuple[EgressOnlyInternetGateway, ...] = ()
    vpc_peering_connections: tuple[VpcPeeringConnection, ...] = ()
    transit_gateways: tuple[TransitGateway, ...] = ()
    transit_gateway_attachments: tuple[TransitGatewayAttachment, ...] = ()
    transit_gateway_route_tables: tuple[TransitGatewayRouteTable, ...] = ()
    vpc_endpoints: tuple[VpcEndpoint, ...] = ()
    dhcp_options: tuple[DhcpOptions, ...] = ()
    hosted_zones: tuple[HostedZone, ...] = ()
    record_sets: tuple[RecordSet, ...] = ()
    health_checks: tuple[HealthCheck, ...] = ()
    discovery_namespaces: tuple[DiscoveryNamespace, ...] = ()
    discovery_services: tuple[DiscoveryService, ...] = ()
    discovery_instances: tuple[DiscoveryInstance, ...] = ()
    load_balancers: tuple[LoadBalancer, ...] = ()
    listeners: tuple[Listener, ...] = ()
    listener_rules: tuple[ListenerRule, ...] = ()
    target_groups: tuple[TargetGroup, ...] = ()
    targets: tuple[Target, ...] = ()
    region: str
    account: str
    services: Mapping[str, str] = {}
    uplink: bool = False
