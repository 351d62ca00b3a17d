"""What the operations of EC2 ask permission for: on which resources, with which tags on create.

Source: "Actions, resources, and condition keys for Amazon EC2" (service authorization reference).  Describe
operations have no resources.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from seawall.api.ec2.lookup import WORDS
from seawall.api.ec2.tags import RESOURCE_TYPES
from seawall.iam.access import CallFacts, Context, ContextOf, Plain, Resources, Target, access, also
from seawall.model.elastic_ip import ElasticIp
from seawall.model.network_acl import NetworkAcl
from seawall.model.network_interface import NetworkInterface
from seawall.model.resource import Resource
from seawall.model.route_table import RouteTable
from seawall.model.security_group import SecurityGroup
from seawall.model.subnet import Subnet
from seawall.model.vpc import Vpc

# Operation -> the resource types it is asked for; "+" is one that it makes, of which there is no id yet.
_TYPES = {
    "AcceptVpcPeeringConnection": "vpc vpc-peering-connection",
    "AllocateAddress": "+elastic-ip",
    "AssignIpv6Addresses": "network-interface",
    "AssignPrivateIpAddresses": "network-interface",
    "AssignPrivateNatGatewayAddress": "natgateway",
    "AssociateAddress": "elastic-ip network-interface",
    "AssociateDhcpOptions": "dhcp-options vpc",
    "AssociateNatGatewayAddress": "elastic-ip natgateway",
    "AssociateRouteTable": "route-table internet-gateway subnet",
    "AssociateSubnetCidrBlock": "subnet",
    "AssociateTransitGatewayRouteTable": "transit-gateway-attachment transit-gateway-route-table",
    "AssociateVpcCidrBlock": "vpc",
    "AttachInternetGateway": "internet-gateway vpc",
    "AttachNetworkInterface": "network-interface",
    "AuthorizeSecurityGroupEgress": "security-group",
    "AuthorizeSecurityGroupIngress": "security-group",
    "CreateDhcpOptions": "+dhcp-options",
    "CreateEgressOnlyInternetGateway": "+egress-only-internet-gateway vpc",
    "CreateInternetGateway": "+internet-gateway",
    "CreateManagedPrefixList": "+prefix-list",
    "CreateNatGateway": "+natgateway elastic-ip subnet",
    "CreateNetworkAcl": "+network-acl vpc",
    "CreateNetworkAclEntry": "network-acl",
    "CreateNetworkInsightsPath": "+network-insights-path",
    "CreateNetworkInterface": "+network-interface subnet security-group",
    "CreateRoute": "route-table",
    "CreateRouteTable": "+route-table vpc",
    "CreateSecurityGroup": "+security-group vpc",
    "CreateSubnet": "+subnet vpc",
    "CreateTags": "*",
    "CreateTransitGateway": "+transit-gateway",
    "CreateTransitGatewayRoute": "transit-gateway-route-table transit-gateway-attachment",
    "CreateTransitGatewayRouteTable": "transit-gateway +transit-gateway-route-table",
    "CreateTransitGatewayVpcAttachment": "subnet transit-gateway +transit-gateway-attachment vpc",
    "CreateVpc": "+vpc",
    "CreateVpcEndpoint": "vpc +vpc-endpoint route-table security-group subnet",
    "CreateVpcPeeringConnection": "vpc +vpc-peering-connection",
    "DeleteDhcpOptions": "dhcp-options",
    "DeleteEgressOnlyInternetGateway": "egress-only-internet-gateway",
    "DeleteInternetGateway": "internet-gateway",
    "DeleteManagedPrefixList": "prefix-list",
    "DeleteNatGateway": "natgateway",
    "DeleteNetworkAcl": "network-acl",
    "DeleteNetworkAclEntry": "network-acl",
    "DeleteNetworkInsightsAnalysis": "network-insights-analysis",
    "DeleteNetworkInsightsPath": "network-insights-path",
    "DeleteNetworkInterface": "network-interface",
    "DeleteRoute": "route-table",
    "DeleteRouteTable": "route-table",
    "DeleteSecurityGroup": "security-group",
    "DeleteSubnet": "subnet",
    "DeleteTags": "*",
    "DeleteTransitGateway": "transit-gateway",
    "DeleteTransitGatewayRoute": "transit-gateway-route-table",
    "DeleteTransitGatewayRouteTable": "transit-gateway-route-table",
    "DeleteTransitGatewayVpcAttachment": "transit-gateway-attachment",
    "DeleteVpc": "vpc",
    "DeleteVpcEndpoints": "vpc-endpoint",
    "DeleteVpcPeeringConnection": "vpc-peering-connection",
    "DetachInternetGateway": "internet-gateway vpc",
    "DetachNetworkInterface": "network-interface",
    "DisableTransitGatewayRouteTablePropagation": "transit-gateway-route-table transit-gateway-attachment",
    "DisassociateAddress": "elastic-ip network-interface",
    "DisassociateNatGatewayAddress": "elastic-ip natgateway",
    "DisassociateRouteTable": "route-table internet-gateway subnet",
    "DisassociateSubnetCidrBlock": "subnet",
    "DisassociateTransitGatewayRouteTable": "transit-gateway-attachment transit-gateway-route-table",
    "DisassociateVpcCidrBlock": "vpc",
    "EnableTransitGatewayRouteTablePropagation": "transit-gateway-route-table transit-gateway-attachment",
    "GetManagedPrefixListAssociations": "prefix-list",
    "GetManagedPrefixListEntries": "prefix-list",
    "GetSecurityGroupsForVpc": "vpc",
    "ModifyManagedPrefixList": "prefix-list",
    "ModifyNetworkInterfaceAttribute": "network-interface security-group",
    "ModifySecurityGroupRules": "security-group security-group-rule prefix-list",
    "ModifySubnetAttribute": "subnet",
    "ModifyTransitGateway": "transit-gateway transit-gateway-route-table",
    "ModifyTransitGatewayVpcAttachment": "transit-gateway-attachment subnet",
    "ModifyVpcAttribute": "vpc",
    "ModifyVpcEndpoint": "vpc-endpoint route-table security-group subnet",
    "ModifyVpcPeeringConnectionOptions": "vpc-peering-connection",
    "RejectVpcPeeringConnection": "vpc-peering-connection",
    "ReleaseAddress": "elastic-ip",
    "ReplaceNetworkAclAssociation": "network-acl subnet",
    "ReplaceNetworkAclEntry": "network-acl",
    "ReplaceRoute": "route-table",
    "ReplaceRouteTableAssociation": "route-table internet-gateway subnet",
    "ReplaceTransitGatewayRoute": "transit-gateway-route-table transit-gateway-attachment",
    "ResetNetworkInterfaceAttribute": "network-interface",
    "RestoreManagedPrefixListVersion": "prefix-list",
    "RevokeSecurityGroupEgress": "security-group",
    "RevokeSecurityGroupIngress": "security-group",
    "SearchTransitGatewayRoutes": "transit-gateway-route-table",
    "StartNetworkInsightsAnalysis": "+network-insights-analysis network-insights-path",
    "UnassignIpv6Addresses": "network-interface",
    "UnassignPrivateIpAddresses": "network-interface",
    "UnassignPrivateNatGatewayAddress": "natgateway",
    "UpdateSecurityGroupRuleDescriptionsEgress": "security-group",
    "UpdateSecurityGroupRuleDescriptionsIngress": "security-group",
}
_KIND_OF = {WORDS[kind].prefix: kind for kind in RESOURCE_TYPES if kind in WORDS}
_NOT_ASKED = {"ClientToken", "TagSpecifications", "Tags", "Description", "IpPermissions"}


def _resources(operation: str) -> Resources:
    wanted = _TYPES[operation].split()
    made = [kind[1:] for kind in wanted if kind.startswith("+")]

    def resources(params: Plain, facts: CallFacts) -> Iterable[Target]:
        found = {resource.ref: resource for resource in _meant(params, facts)}.values()
        known = [r for r in found if wanted == ["*"] or RESOURCE_TYPES[type(r)] in wanted]
        return [
            *(Target(facts.arn("ec2", f"{kind}/*"), context=_region(facts)) for kind in made),
            *(_target(resource, facts) for resource in known),
        ]

    return resources


def _meant(params: Plain, facts: CallFacts) -> Iterator[Resource]:
    """Everything that the parameters name by an id, by an association's id, by address or by name."""
    for name, text in _texts(params):
        kind = _KIND_OF.get(text.rpartition("-")[0])
        if kind is not None:
            resource = facts.store.find(kind, text)
            if resource is not None:
                yield resource
        elif name in ("AssociationId", "AttachmentId"):
            yield from _behind(text, facts)
        elif name == "PublicIp":
            yield from (ip for ip in facts.store.all(ElasticIp) if ip.public_ip == text)
    yield from _named_group(params, facts)


def _texts(params: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in params.items():
        if name in _NOT_ASKED:
            continue
        for one in value if isinstance(value, list) else (value,):
            if isinstance(one, str):
                yield name, one
            elif isinstance(one, dict):
                yield from _texts(one)


def _behind(id: str, facts: CallFacts) -> Iterator[Resource]:
    """The resources that an association or attachment ties together."""
    store = facts.store
    if id.startswith("rtbassoc-"):
        for table in store.all(RouteTable):
            for tie in table.associations:
                if tie.association_id == id:
                    yield table
                    subnet = store.find(Subnet, tie.subnet_id) if tie.subnet_id else None
                    yield from (subnet,) if subnet else ()
    elif id.startswith("aclassoc-"):
        for acl in store.all(NetworkAcl):
            for link in acl.associations:
                subnet = store.find(Subnet, link.subnet_id) if link.association_id == id else None
                yield from (acl, subnet) if subnet else ()
    elif id.startswith("eipassoc-"):
        yield from (ip for ip in store.all(ElasticIp) if ip.association_id == id)
    elif id.startswith("subnet-cidr-assoc-"):
        yield from (subnet for subnet in store.all(Subnet) if subnet.ipv6_association_id == id)
    elif id.startswith("vpc-cidr-assoc-"):
        for vpc in store.all(Vpc):
            ids = [block.association_id for block in vpc.cidr_blocks]
            ids += [block.association_id for block in vpc.ipv6_cidr_blocks]
            yield from (vpc,) if id in ids else ()
    else:
        for interface in store.all(NetworkInterface):
            if interface.attachment is not None and interface.attachment.attachment_id == id:
                yield interface


def _named_group(params: Plain, facts: CallFacts) -> Iterator[Resource]:
    """The group of GroupName, which is looked for in the default VPC."""
    name = params.get("GroupName")
    if name and not params.get("GroupId"):
        for vpc in facts.store.all(Vpc):
            groups = facts.store.referrers(SecurityGroup, vpc.ref) if vpc.is_default else ()
            yield from (group for group in groups if group.name == name)


def _target(resource: Resource, facts: CallFacts) -> Target:
    kind = RESOURCE_TYPES[type(resource)]
    keys = dict(_region(facts))
    vpc, subnet = getattr(resource, "vpc_id", None), getattr(resource, "subnet_id", None)
    if vpc:
        keys["ec2:Vpc"] = facts.arn("ec2", f"vpc/{vpc}")
    if subnet:
        keys["ec2:Subnet"] = facts.arn("ec2", f"subnet/{subnet}")
    if zone := getattr(resource, "availability_zone", None):
        keys["ec2:AvailabilityZone"] = zone
    keys[f"ec2:{''.join(word.capitalize() for word in kind.split('-'))}ID"] = resource.id
    return Target(facts.arn("ec2", f"{kind}/{resource.id}"), getattr(resource, "tags", {}), keys)


def _region(facts: CallFacts) -> dict[str, str]:
    return {"ec2:Region": facts.region}


def _tagged(params: Plain, facts: CallFacts) -> list[str]:
    """What is made with tags."""
    kinds = (
        given.get("ResourceType") for given in params.get("TagSpecifications") or () if given.get("Tags")
    )
    return [facts.arn("ec2", f"{kind}/*") for kind in kinds if kind]


def _creating(operation: str) -> ContextOf:
    return lambda params, facts: {"ec2:CreateAction": operation}


def _endpoint_service(params: Plain, facts: CallFacts) -> Context:
    name = params.get("ServiceName")
    return {"ec2:VpceServiceName": name} if name else {}


for _operation, _kinds in _TYPES.items():
    access(
        "ec2",
        _operation,
        resources=_resources(_operation),
        context=_endpoint_service if _operation == "CreateVpcEndpoint" else None,
    )
    if "+" in _kinds:
        also(
            "ec2",
            _operation,
            action="ec2:CreateTags",
            resources=_tagged,
            context=_creating(_operation),
        )
