"""The refusals that all operations share, swept over every operation of the VPC's core.

REQUESTS has a request that would succeed for each of them.  From it follow the others: the same as a dry run,
with an id misspelt, with an id that nobody has, with a required member left out.
"""

import re
from collections.abc import Callable, Mapping
from ipaddress import IPv6Network
from itertools import islice
from typing import Any

import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from seawall.api.registry import load_operations
from seawall.store.store import Store

# Swept by tests of their own.
_ELSEWHERE = (
    "vpc_peering",
    "transit_gateway",
    "vpc_endpoint",
    "prefix_list",
    "dhcp_options",
    "network_insights",
)
Request = dict[str, Any]

CLIENT = botocore.session.get_session().create_client(
    "ec2", "us-east-1", aws_access_key_id="x", aws_secret_access_key="x", endpoint_url="http://127.0.0.1:1"
)
MODEL = CLIENT.meta.service_model


def _names(*, everywhere: bool = False) -> list[str]:
    return [
        name
        for (service, name), known in sorted(load_operations().items())
        if service == "ec2"
        and (everywhere or not known.handler.__module__.rpartition(".")[2].startswith(_ELSEWHERE))
    ]


def _members(name: str) -> Mapping[str, Any]:
    shape = MODEL.operation_model(name).input_shape
    return shape.members if shape is not None else {}


def _required(name: str) -> list[str]:
    shape = MODEL.operation_model(name).input_shape
    return list(shape.required_members) if shape is not None else []


@pytest.fixture
def lenient(aws: Callable[..., Any], all_clients: Any) -> Any:
    """A client that sends what it is told to, complete or not."""
    aws("ec2")
    client = botocore.session.get_session().create_client(
        "ec2",
        "us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        endpoint_url="http://127.0.0.1:4566",
        config=Config(parameter_validation=False, retries={"total_max_attempts": 1}),
    )
    client.meta.events.register("before-send.*.*", all_clients._hand_over)
    return client


@pytest.fixture
def site(ec2: Any) -> Request:
    """One of everything, by short names."""
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16", AmazonProvidedIpv6CidrBlock=True)["Vpc"]
    block = vpc["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlock"]
    id = vpc["VpcId"]
    half = ec2.associate_vpc_cidr_block(VpcId=id, CidrBlock="10.1.0.0/16")["CidrBlockAssociation"]
    subnet = ec2.create_subnet(VpcId=id, CidrBlock="10.0.0.0/24")["Subnet"]
    six = ec2.create_subnet(VpcId=id, CidrBlock="10.0.1.0/24", Ipv6CidrBlock=block.replace("/56", "/64"))[
        "Subnet"
    ]
    free = ec2.create_subnet(VpcId=id, CidrBlock="10.0.2.0/24")["Subnet"]["SubnetId"]
    slices = [str(slice) for slice in islice(IPv6Network(block).subnets(new_prefix=64), 3)]
    other = ec2.create_subnet(VpcId=id, CidrBlock="10.0.3.0/24", Ipv6CidrBlock=slices[1])["Subnet"]
    igw = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=igw, VpcId=id)
    spare = ec2.create_vpc(CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]
    spare_igw = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=spare_igw, VpcId=spare)
    table = ec2.create_route_table(VpcId=id)["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=igw)
    association = ec2.associate_route_table(RouteTableId=table, SubnetId=subnet["SubnetId"])
    group = ec2.create_security_group(GroupName="g", Description="g", VpcId=id)["GroupId"]
    acl = ec2.create_network_acl(VpcId=id)["NetworkAcl"]["NetworkAclId"]
    ec2.create_network_acl_entry(NetworkAclId=acl, **ENTRY)
    where = [{"Name": "default", "Values": ["true"]}, {"Name": "vpc-id", "Values": [id]}]
    default = ec2.describe_network_acls(Filters=where)["NetworkAcls"][0]["Associations"]
    interface = ec2.create_network_interface(
        SubnetId=six["SubnetId"], SecondaryPrivateIpAddressCount=1, Ipv6AddressCount=1
    )["NetworkInterface"]
    address = ec2.allocate_address()
    held = ec2.allocate_address()
    bound = ec2.associate_address(
        AllocationId=held["AllocationId"], NetworkInterfaceId=interface["NetworkInterfaceId"]
    )
    rules = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])
    return {
        "vpc": id,
        "empty": ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"],
        "half": half["AssociationId"],
        "slice": slices[2],
        "subnet": subnet["SubnetId"],
        "free": free,
        "six": other["Ipv6CidrBlockAssociationSet"][0]["AssociationId"],
        "loose_igw": ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"],
        "igw": igw,
        "spare": spare,
        "spare_igw": spare_igw,
        "table": table,
        "loose_table": ec2.create_route_table(VpcId=id)["RouteTable"]["RouteTableId"],
        "rtbassoc": association["AssociationId"],
        "group": group,
        "sgr": next(r["SecurityGroupRuleId"] for r in rules["SecurityGroupRules"] if "CidrIpv4" in r),
        "acl": acl,
        "aclassoc": default[0]["NetworkAclAssociationId"],
        "eni": interface["NetworkInterfaceId"],
        "secondary": interface["PrivateIpAddresses"][1]["PrivateIpAddress"],
        "ipv6": interface["Ipv6Addresses"][0]["Ipv6Address"],
        "eipalloc": address["AllocationId"],
        "eipassoc": bound["AssociationId"],
        "eigw": ec2.create_egress_only_internet_gateway(VpcId=id)["EgressOnlyInternetGateway"][
            "EgressOnlyInternetGatewayId"
        ],
    }


ENTRY = {
    "RuleNumber": 100,
    "Protocol": "-1",
    "RuleAction": "allow",
    "Egress": False,
    "CidrBlock": "0.0.0.0/0",
}
PERMISSION = {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}
ALL_OUT = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0", "Description": "d"}]}
TAGS = [{"Key": "a", "Value": "b"}]

REQUESTS: dict[str, Callable[[Request], Request]] = {
    "AllocateAddress": lambda s: {},
    "AssignIpv6Addresses": lambda s: {"NetworkInterfaceId": s["eni"], "Ipv6AddressCount": 1},
    "AssignPrivateIpAddresses": lambda s: {
        "NetworkInterfaceId": s["eni"],
        "SecondaryPrivateIpAddressCount": 1,
    },
    "AssociateAddress": lambda s: {"AllocationId": s["eipalloc"], "NetworkInterfaceId": s["eni"]},
    "AssociateRouteTable": lambda s: {"RouteTableId": s["table"], "SubnetId": s["free"]},
    "AssociateSubnetCidrBlock": lambda s: {
        "SubnetId": s["free"],
        "Ipv6CidrBlock": s["slice"],
    },
    "AssociateVpcCidrBlock": lambda s: {"VpcId": s["vpc"], "CidrBlock": "10.2.0.0/16"},
    "AttachInternetGateway": lambda s: {"InternetGatewayId": s["loose_igw"], "VpcId": s["empty"]},
    "AuthorizeSecurityGroupEgress": lambda s: {"GroupId": s["group"], "IpPermissions": [PERMISSION]},
    "AuthorizeSecurityGroupIngress": lambda s: {"GroupId": s["group"], "IpPermissions": [PERMISSION]},
    "CreateDefaultVpc": lambda s: {},
    "CreateEgressOnlyInternetGateway": lambda s: {"VpcId": s["empty"]},
    "CreateInternetGateway": lambda s: {},
    "CreateNatGateway": lambda s: {"SubnetId": s["subnet"], "AllocationId": s["eipalloc"]},
    "CreateNetworkAcl": lambda s: {"VpcId": s["vpc"]},
    "CreateNetworkAclEntry": lambda s: ENTRY | {"NetworkAclId": s["acl"], "RuleNumber": 7},
    "CreateNetworkInterface": lambda s: {"SubnetId": s["subnet"]},
    "CreateRoute": lambda s: {
        "RouteTableId": s["table"],
        "DestinationCidrBlock": "192.0.2.0/24",
        "GatewayId": s["igw"],
    },
    "CreateRouteTable": lambda s: {"VpcId": s["vpc"]},
    "CreateSecurityGroup": lambda s: {"GroupName": "n", "Description": "n", "VpcId": s["vpc"]},
    "CreateSubnet": lambda s: {"VpcId": s["vpc"], "CidrBlock": "10.0.9.0/24"},
    "CreateTags": lambda s: {"Resources": [s["vpc"]], "Tags": TAGS},
    "CreateVpc": lambda s: {"CidrBlock": "10.0.0.0/16"},
    "DeleteEgressOnlyInternetGateway": lambda s: {"EgressOnlyInternetGatewayId": s["eigw"]},
    "DeleteInternetGateway": lambda s: {"InternetGatewayId": s["loose_igw"]},
    "DeleteNetworkAcl": lambda s: {"NetworkAclId": s["acl"]},
    "DeleteNetworkAclEntry": lambda s: {"NetworkAclId": s["acl"], "RuleNumber": 100, "Egress": False},
    "DeleteNetworkInterface": lambda s: {"NetworkInterfaceId": s["eni"]},
    "DeleteRoute": lambda s: {"RouteTableId": s["table"], "DestinationCidrBlock": "0.0.0.0/0"},
    "DeleteRouteTable": lambda s: {"RouteTableId": s["loose_table"]},
    "DeleteSecurityGroup": lambda s: {"GroupId": s["group"]},
    "DeleteSubnet": lambda s: {"SubnetId": s["free"]},
    "DeleteTags": lambda s: {"Resources": [s["vpc"]]},
    "DeleteVpc": lambda s: {"VpcId": s["empty"]},
    "DescribeNetworkInterfaceAttribute": lambda s: {
        "NetworkInterfaceId": s["eni"],
        "Attribute": "description",
    },
    "DescribeVpcAttribute": lambda s: {"VpcId": s["vpc"], "Attribute": "enableDnsSupport"},
    "DetachInternetGateway": lambda s: {"InternetGatewayId": s["spare_igw"], "VpcId": s["spare"]},
    "DisassociateAddress": lambda s: {"AssociationId": s["eipassoc"]},
    "DisassociateRouteTable": lambda s: {"AssociationId": s["rtbassoc"]},
    "DisassociateSubnetCidrBlock": lambda s: {"AssociationId": s["six"]},
    "DisassociateVpcCidrBlock": lambda s: {"AssociationId": s["half"]},
    "GetSecurityGroupsForVpc": lambda s: {"VpcId": s["vpc"]},
    "ModifyNetworkInterfaceAttribute": lambda s: {
        "NetworkInterfaceId": s["eni"],
        "SourceDestCheck": {"Value": False},
    },
    "ModifySecurityGroupRules": lambda s: {
        "GroupId": s["group"],
        "SecurityGroupRules": [
            {
                "SecurityGroupRuleId": s["sgr"],
                "SecurityGroupRule": {"IpProtocol": "-1", "CidrIpv4": "10.0.0.0/8"},
            }
        ],
    },
    "ModifySubnetAttribute": lambda s: {"SubnetId": s["subnet"], "MapPublicIpOnLaunch": {"Value": True}},
    "ModifyVpcAttribute": lambda s: {"VpcId": s["vpc"], "EnableDnsHostnames": {"Value": True}},
    "ReleaseAddress": lambda s: {"AllocationId": s["eipalloc"]},
    "ReplaceNetworkAclAssociation": lambda s: {"AssociationId": s["aclassoc"], "NetworkAclId": s["acl"]},
    "ReplaceNetworkAclEntry": lambda s: ENTRY | {"NetworkAclId": s["acl"], "RuleAction": "deny"},
    "ReplaceRoute": lambda s: {
        "RouteTableId": s["table"],
        "DestinationCidrBlock": "0.0.0.0/0",
        "NetworkInterfaceId": s["eni"],
    },
    "ReplaceRouteTableAssociation": lambda s: {
        "AssociationId": s["rtbassoc"],
        "RouteTableId": s["loose_table"],
    },
    "ResetNetworkInterfaceAttribute": lambda s: {"NetworkInterfaceId": s["eni"]},
    "RevokeSecurityGroupEgress": lambda s: {"GroupId": s["group"], "SecurityGroupRuleIds": [s["sgr"]]},
    "UnassignIpv6Addresses": lambda s: {"NetworkInterfaceId": s["eni"], "Ipv6Addresses": [s["ipv6"]]},
    "UnassignPrivateIpAddresses": lambda s: {
        "NetworkInterfaceId": s["eni"],
        "PrivateIpAddresses": [s["secondary"]],
    },
    "UpdateSecurityGroupRuleDescriptionsEgress": lambda s: {
        "GroupId": s["group"],
        "IpPermissions": [ALL_OUT],
    },
}
# Those that cannot succeed here: nothing to attach or detach, no rule to revoke, no gateway, no default VPC.
NEVER = {
    "CreateDefaultSubnet",
    "AttachNetworkInterface",
    "DetachNetworkInterface",
    "RevokeSecurityGroupIngress",
    "UpdateSecurityGroupRuleDescriptionsIngress",
    "AssignPrivateNatGatewayAddress",
    "AssociateNatGatewayAddress",
    "DeleteNatGateway",
    "DisassociateNatGatewayAddress",
    "UnassignPrivateNatGatewayAddress",
}

# What EC2 says of an id that is misspelt, and of one that nobody has, by the id's kind.
MALFORMED = {
    "acl": "InvalidNetworkAclId.Malformed",
    "aclassoc": "InvalidNetworkAclAssociationId.Malformed",
    "eigw": "InvalidEgressOnlyInternetGatewayId.Malformed",
    "eipalloc": "InvalidAllocationID.Malformed",
    "eipassoc": "InvalidAssociationID.Malformed",
    "eni": "InvalidNetworkInterfaceId.Malformed",
    "igw": "InvalidInternetGatewayId.Malformed",
    "rtb": "InvalidRouteTableId.Malformed",
    "rtbassoc": "InvalidRouteTableAssociationID.Malformed",
    "sg": "InvalidGroupId.Malformed",
    "subnet": "InvalidSubnetID.Malformed",
    "subnet-cidr-assoc": "InvalidSubnetCidrBlockAssociationID.Malformed",
    "vpc": "InvalidVpcID.Malformed",
    "vpc-cidr-assoc": "InvalidVpcCidrBlockAssociationId.Malformed",
}
MISSING = {
    "acl": ("InvalidNetworkAclID.NotFound", "The networkAcl ID '{id}' does not exist"),
    "aclassoc": ("InvalidAssociationID.NotFound", "The association ID '{id}' does not exist"),
    "eigw": (
        "InvalidEgressOnlyInternetGatewayId.NotFound",
        "The egressOnlyInternetGateway ID '{id}' does not exist",
    ),
    "eipalloc": ("InvalidAllocationID.NotFound", "The allocation ID '{id}' does not exist"),
    "eipassoc": ("InvalidAssociationID.NotFound", "The association ID '{id}' does not exist"),
    "eni": ("InvalidNetworkInterfaceID.NotFound", "The networkInterface ID '{id}' does not exist"),
    "igw": ("InvalidInternetGatewayID.NotFound", "The internetGateway ID '{id}' does not exist"),
    "rtb": ("InvalidRouteTableID.NotFound", "The routeTable ID '{id}' does not exist"),
    "rtbassoc": ("InvalidAssociationID.NotFound", "The association ID '{id}' does not exist"),
    "sg": ("InvalidGroup.NotFound", "The security group '{id}' does not exist"),
    "subnet": ("InvalidSubnetID.NotFound", "The subnet ID '{id}' does not exist"),
    "subnet-cidr-assoc": (
        "InvalidSubnetCidrBlockAssociationID.NotFound",
        "The subnet CIDR block with association ID {id} does not exist",
    ),
    "vpc": ("InvalidVpcID.NotFound", "The vpc ID '{id}' does not exist"),
    "vpc-cidr-assoc": (
        "InvalidVpcCidrBlockAssociationID.NotFound",
        "The vpc CIDR block with association ID {id} does not exist",
    ),
}


def test_every_operation_is_swept() -> None:
    readable = {name for name in _names() if name.startswith("Describe") and not _required(name)}
    assert set(_names()) == REQUESTS.keys() | NEVER | readable


def told(client: Any, name: str, request: Request) -> tuple[str, str] | None:
    """Code and text of the refusal, or None when there was none."""
    try:
        client._make_api_call(name, request)
    except ClientError as error:
        return error.response["Error"]["Code"], error.response["Error"]["Message"]
    return None


def test_a_dry_run_says_yes_and_does_nothing(ec2: Any, store: Store, site: Request) -> None:
    before = store.revision()
    yes = ("DryRunOperation", "Request would have succeeded, but DryRun flag is set.")
    names = [name for name in REQUESTS if "DryRun" in _members(name)]
    answers = {name: told(ec2, name, REQUESTS[name](site) | {"DryRun": True}) for name in names}
    assert answers == dict.fromkeys(names, yes)
    assert store.revision() == before


@pytest.mark.parametrize("name", sorted(name for name in REQUESTS if "DryRun" not in _members(name)))
def test_requests_that_know_no_dry_run_succeed(ec2: Any, site: Request, name: str) -> None:
    assert told(ec2, name, REQUESTS[name](site)) is None


def test_ids_are_held_against_their_form_and_then_looked_up(ec2: Any, site: Request) -> None:
    answers, expected = {}, {}
    for name, make in REQUESTS.items():
        request = make(site)
        for member in [member for member in request if member.endswith("Id")]:
            kind = str(request[member]).rpartition("-")[0]
            wrong, unknown = f"{kind}-nope", f"{kind}-0123456789abcdef0"
            code, text = MISSING[kind]
            for id in (wrong, unknown):
                answers[name, member, id] = told(ec2, name, request | {member: id})
            expected[name, member, wrong] = (
                MALFORMED[kind],
                f'Invalid id: "{wrong}" (expecting "{kind}-...")',
            )
            expected[name, member, unknown] = (code, text.format(id=unknown))
    assert len(answers) > 100
    assert answers == expected


def test_a_token_belongs_to_one_request(ec2: Any, site: Request) -> None:
    names = [name for name in REQUESTS if "ClientToken" in _members(name)]
    assert len(names) >= 5
    mismatch = (
        "IdempotentParameterMismatch",
        "The request uses the same client token as a previous, but non-identical request."
        " Do not reuse a client token with different requests, unless the requests are identical.",
    )
    for name in names:
        request = REQUESTS[name](site) | {"ClientToken": "t"}
        elsewhere = {"VpcId": site["spare"]} if "VpcId" in request else {"SubnetId": site["free"]}
        assert (name, told(ec2, name, request)) == (name, None)
        assert (name, told(ec2, name, request)) == (name, None)
        assert (name, told(ec2, name, request | elsewhere)) == (name, mismatch)


def test_required_members_are_missed(lenient: Any, site: Request) -> None:
    for name, make in REQUESTS.items():
        for member in _required(name):
            request = {key: value for key, value in make(site).items() if key != member}
            code, text = told(lenient, name, request) or ("", "")
            assert (name, member, code) == (name, member, "MissingParameter")
            assert text.startswith("The request must contain the parameter")


READABLE = [name for name in _names(everywhere=True) if not _required(name)]


def test_unknown_filters_are_refused(ec2: Any) -> None:
    names = [name for name in READABLE if {"Filters", "Filter"} & _members(name).keys()]
    assert len(names) > 15
    for name in names:
        member = "Filters" if "Filters" in _members(name) else "Filter"
        answer = told(ec2, name, {member: [{"Name": "colour", "Values": ["blue"]}]})
        assert (name, answer) == (name, ("InvalidParameterValue", "The filter 'colour' is invalid"))
        many = [{"Name": "tag:a", "Values": [str(n) for n in range(201)]}]
        text = "The maximum number of filter values specified on a single call is 200"
        assert (name, told(ec2, name, {member: many})) == (name, ("FilterLimitExceeded", text))


def test_pages_have_a_smallest_size_and_tokens_of_their_own(ec2: Any, lenient: Any) -> None:
    names = [name for name in READABLE if "MaxResults" in _members(name)]
    assert len(names) > 15
    for name in names:
        smallest = _members(name)["MaxResults"].metadata.get("min", 5)
        answer = told(lenient, name, {"MaxResults": smallest - 1})
        text = (
            f"Value ( {smallest - 1} ) for parameter maxResults is invalid."
            f" Expecting a value greater than {smallest}."
        )
        assert (name, answer) == (name, ("InvalidParameterValue", text))
        assert (name, told(ec2, name, {"MaxResults": smallest})) == (name, None)
        foreign = told(ec2, name, {"NextToken": "nonsense"})
        assert (name, foreign) == (name, ("InvalidNextToken", "The specified NextToken is not valid."))


def _documented_filters(name: str) -> list[str]:
    """The names that the service model's documentation lists; `tag` stands for tag:KEY there."""
    members = _members(name)
    text = (members.get("Filters") or members["Filter"]).documentation
    found = re.findall(r"<li> <p> <code>([a-z0-9.-]+)(?:</code>)?(?::| -|:&lt;| )", text)
    return ["tag:a" if name == "tag" else name for name in dict.fromkeys(found)]


def test_every_documented_filter_is_understood(ec2: Any) -> None:
    names = [name for name in READABLE if {"Filters", "Filter"} & _members(name).keys()]
    asked = [(name, known) for name in names for known in _documented_filters(name)]
    assert len(asked) > 150
    unknown = []
    for name, known in asked:
        member = "Filters" if "Filters" in _members(name) else "Filter"
        if told(ec2, name, {member: [{"Name": known, "Values": ["x"]}]}) is not None:
            unknown.append((name, known))
    assert unknown == []
