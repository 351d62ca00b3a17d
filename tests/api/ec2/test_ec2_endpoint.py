"""VPC endpoints as the API records them: names, interfaces, routes, and what is refused."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from seawall.store.store import Store

Refused = Callable[[str, str], Any]
S3 = "com.amazonaws.us-east-1.s3"
LOGS = "com.amazonaws.us-east-1.logs"
S3_LIST = "pl-63a5400a"


@pytest.fixture
def named_vpc(ec2: Any, vpc_id: str) -> str:
    """The VPC, with DNS host names."""
    ec2.modify_vpc_attribute(VpcId=vpc_id, EnableDnsHostnames={"Value": True})
    return vpc_id


@pytest.fixture
def table_id(ec2: Any, vpc_id: str) -> str:
    return str(ec2.create_route_table(VpcId=vpc_id)["RouteTable"]["RouteTableId"])


@pytest.fixture
def gateway_endpoint(ec2: Any, vpc_id: str, table_id: str) -> dict[str, Any]:
    made = ec2.create_vpc_endpoint(VpcId=vpc_id, ServiceName=S3, RouteTableIds=[table_id])
    return dict(made["VpcEndpoint"])


@pytest.fixture
def interface_endpoint(ec2: Any, named_vpc: str, subnet_id: str) -> dict[str, Any]:
    made = ec2.create_vpc_endpoint(
        VpcId=named_vpc, ServiceName=LOGS, VpcEndpointType="Interface", SubnetIds=[subnet_id]
    )
    return dict(made["VpcEndpoint"])


def described(ec2: Any, id: str) -> dict[str, Any]:
    (found,) = ec2.describe_vpc_endpoints(VpcEndpointIds=[id])["VpcEndpoints"]
    return dict(found)


def routes(ec2: Any, table_id: str) -> list[dict[str, Any]]:
    (table,) = ec2.describe_route_tables(RouteTableIds=[table_id])["RouteTables"]
    return [route for route in table["Routes"] if route["GatewayId"] != "local"]


def test_a_gateway_endpoint_is_a_route(ec2: Any, gateway_endpoint: dict[str, Any], table_id: str) -> None:
    assert (gateway_endpoint["State"], gateway_endpoint["VpcEndpointType"]) == ("available", "Gateway")
    assert gateway_endpoint["RouteTableIds"] == [table_id]
    assert (
        gateway_endpoint["DnsEntries"]
        == gateway_endpoint["NetworkInterfaceIds"]
        == gateway_endpoint["SubnetIds"]
        == []
    )
    assert json.loads(gateway_endpoint["PolicyDocument"])["Version"] == "2008-10-17"
    assert routes(ec2, table_id) == [
        {
            "DestinationPrefixListId": S3_LIST,
            "GatewayId": gateway_endpoint["VpcEndpointId"],
            "Origin": "CreateRoute",
            "State": "active",
        }
    ]


def test_its_routes_are_the_endpoints_alone(
    ec2: Any, refused: Refused, gateway_endpoint: dict[str, Any], table_id: str
) -> None:
    where = {"RouteTableId": table_id, "DestinationPrefixListId": S3_LIST}
    with refused(
        "InvalidParameterValue", f"cannot remove VPC endpoint route {S3_LIST} in route table {table_id}"
    ):
        ec2.delete_route(**where)
    with refused(
        "InvalidParameterValue", f"cannot create VPC endpoint route {S3_LIST} in route table {table_id}"
    ):
        ec2.create_route(**where, GatewayId=gateway_endpoint["VpcEndpointId"])


def test_tables_come_and_go(
    ec2: Any, refused: Refused, vpc_id: str, gateway_endpoint: dict[str, Any], table_id: str
) -> None:
    id = gateway_endpoint["VpcEndpointId"]
    other = ec2.create_route_table(VpcId=vpc_id)["RouteTable"]["RouteTableId"]
    ec2.modify_vpc_endpoint(VpcEndpointId=id, AddRouteTableIds=[other], RemoveRouteTableIds=[table_id])
    assert described(ec2, id)["RouteTableIds"] == [other]
    assert routes(ec2, table_id) == []
    with refused(
        "RouteAlreadyExists",
        f"route table {other} already has a route with destination-prefix-list-id {S3_LIST}",
    ):
        ec2.create_vpc_endpoint(VpcId=vpc_id, ServiceName=S3, RouteTableIds=[table_id, other])
    assert routes(ec2, table_id) == []  # all or nothing
    ec2.delete_route_table(RouteTableId=other)
    assert described(ec2, id)["RouteTableIds"] == []
    stranger = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    foreign = ec2.create_route_table(VpcId=stranger)["RouteTable"]["RouteTableId"]
    with refused(
        "InvalidParameterValue",
        f"route table {foreign} and network {vpc_id} belong to different networks",
    ):
        ec2.modify_vpc_endpoint(VpcEndpointId=id, AddRouteTableIds=[foreign])


def test_an_interface_endpoint_has_an_interface_in_each_subnet(
    ec2: Any, interface_endpoint: dict[str, Any], named_vpc: str, subnet_id: str
) -> None:
    assert (interface_endpoint["State"], interface_endpoint["SubnetIds"]) == ("pending", [subnet_id])
    assert interface_endpoint["PrivateDnsEnabled"] is True
    (group,) = interface_endpoint["Groups"]
    assert group["GroupName"] == "default"
    (eni,) = ec2.describe_network_interfaces(NetworkInterfaceIds=interface_endpoint["NetworkInterfaceIds"])[
        "NetworkInterfaces"
    ]
    assert eni["Description"] == f"VPC Endpoint Interface {interface_endpoint['VpcEndpointId']}"
    assert (eni["InterfaceType"], eni["RequesterManaged"]) == ("vpc_endpoint", True)
    assert eni["Attachment"]["InstanceOwnerId"] == "amazon-aws"
    assert eni["Groups"] == [group]
    assert (eni["VpcId"], eni["SubnetId"]) == (named_vpc, subnet_id)


def test_names_of_an_interface_endpoint(ec2: Any, interface_endpoint: dict[str, Any]) -> None:
    regional, zonal, private = interface_endpoint["DnsEntries"]
    prefix, _, domain = regional["DnsName"].partition(".")
    id, _, label = prefix.rpartition("-")
    assert (id, domain) == (interface_endpoint["VpcEndpointId"], "logs.us-east-1.vpce.amazonaws.com")
    assert len(label) == 8
    assert zonal["DnsName"] == f"{prefix}-us-east-1a.{domain}"
    assert regional["HostedZoneId"] == zonal["HostedZoneId"] == "Z7HUB22UULQXV"
    assert private == {"DnsName": "logs.us-east-1.amazonaws.com", "HostedZoneId": "ZONEIDPENDING"}


def test_the_registry_has_a_wildcard(ec2: Any, named_vpc: str, subnet_id: str) -> None:
    made = ec2.create_vpc_endpoint(
        VpcId=named_vpc,
        ServiceName="com.amazonaws.us-east-1.ecr.dkr",
        VpcEndpointType="Interface",
        SubnetIds=[subnet_id],
    )["VpcEndpoint"]
    names = [entry["DnsName"] for entry in made["DnsEntries"]]
    assert names[2:] == ["dkr.ecr.us-east-1.amazonaws.com", "*.dkr.ecr.us-east-1.amazonaws.com"]
    assert names[0].endswith(".dkr.ecr.us-east-1.vpce.amazonaws.com")


def test_private_dns_needs_a_vpc_with_names(ec2: Any, refused: Refused, vpc_id: str, subnet_id: str) -> None:
    asked = {
        "VpcId": vpc_id,
        "ServiceName": LOGS,
        "VpcEndpointType": "Interface",
        "SubnetIds": [subnet_id],
    }
    text = (
        "Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC attributes set to"
        f" true for {vpc_id}"
    )
    with refused("InvalidParameter", text):
        ec2.create_vpc_endpoint(**asked)
    made = ec2.create_vpc_endpoint(**asked, PrivateDnsEnabled=False)["VpcEndpoint"]
    assert len(made["DnsEntries"]) == 2
    with refused("InvalidParameter", text):
        ec2.modify_vpc_endpoint(VpcEndpointId=made["VpcEndpointId"], PrivateDnsEnabled=True)


def test_one_endpoint_of_a_service_has_its_name(
    ec2: Any, refused: Refused, interface_endpoint: dict[str, Any], named_vpc: str, subnet_id: str
) -> None:
    asked = {
        "VpcId": named_vpc,
        "ServiceName": LOGS,
        "VpcEndpointType": "Interface",
        "SubnetIds": [subnet_id],
    }
    text = (
        "private-dns-enabled cannot be set because there is already a conflicting DNS domain for"
        f" logs.us-east-1.amazonaws.com in the VPC {named_vpc}"
    )
    with refused("InvalidParameter", text):
        ec2.create_vpc_endpoint(**asked)
    second = ec2.create_vpc_endpoint(**asked, PrivateDnsEnabled=False)["VpcEndpoint"]["VpcEndpointId"]
    with refused("InvalidParameter", text):
        ec2.modify_vpc_endpoint(VpcEndpointId=second, PrivateDnsEnabled=True)
    ec2.modify_vpc_endpoint(VpcEndpointId=interface_endpoint["VpcEndpointId"], PrivateDnsEnabled=False)
    ec2.modify_vpc_endpoint(VpcEndpointId=second, PrivateDnsEnabled=True)


def test_one_subnet_in_a_zone(
    ec2: Any, refused: Refused, interface_endpoint: dict[str, Any], named_vpc: str, subnet_id: str
) -> None:
    id = interface_endpoint["VpcEndpointId"]
    twin, other = (
        ec2.create_subnet(VpcId=named_vpc, CidrBlock=block, AvailabilityZone=zone)["Subnet"]["SubnetId"]
        for block, zone in (("10.0.2.0/24", "us-east-1a"), ("10.0.3.0/24", "us-east-1b"))
    )
    text = (
        f"Found another VPC endpoint subnet in the availability zone of {twin}. VPC endpoint subnets should"
        " be in different availability zones supported by the VPC endpoint service."
    )
    with refused("DuplicateSubnetsInSameZone", text):
        ec2.modify_vpc_endpoint(VpcEndpointId=id, AddSubnetIds=[twin])
    wanted = [{"SubnetId": other, "Ipv4": "10.0.3.77"}]
    ec2.modify_vpc_endpoint(VpcEndpointId=id, AddSubnetIds=[other], SubnetConfigurations=wanted)
    found = described(ec2, id)
    assert found["SubnetIds"] == [subnet_id, other]
    assert [entry["DnsName"].split(".")[0][-10:] for entry in found["DnsEntries"][1:3]] == [
        "us-east-1a",
        "us-east-1b",
    ]
    (eni,) = ec2.describe_network_interfaces(NetworkInterfaceIds=found["NetworkInterfaceIds"][1:])[
        "NetworkInterfaces"
    ]
    assert eni["PrivateIpAddress"] == "10.0.3.77"
    ec2.modify_vpc_endpoint(VpcEndpointId=id, RemoveSubnetIds=[subnet_id], AddSubnetIds=[twin])
    assert described(ec2, id)["SubnetIds"] == [other, twin]
    assert ec2.describe_subnets(SubnetIds=[subnet_id])["Subnets"][0]["AvailableIpAddressCount"] == 251


def test_groups_of_all_its_interfaces(
    ec2: Any, refused: Refused, interface_endpoint: dict[str, Any], named_vpc: str
) -> None:
    id, old = interface_endpoint["VpcEndpointId"], interface_endpoint["Groups"][0]["GroupId"]
    group = ec2.create_security_group(VpcId=named_vpc, GroupName="g", Description="g")["GroupId"]
    ec2.modify_vpc_endpoint(VpcEndpointId=id, AddSecurityGroupIds=[group], RemoveSecurityGroupIds=[old])
    assert described(ec2, id)["Groups"] == [{"GroupId": group, "GroupName": "g"}]
    (eni,) = ec2.describe_network_interfaces(NetworkInterfaceIds=interface_endpoint["NetworkInterfaceIds"])[
        "NetworkInterfaces"
    ]
    assert eni["Groups"] == [{"GroupId": group, "GroupName": "g"}]
    with refused(
        "InvalidParameter", "An Interface VPC Endpoint must always have at least one Security Group"
    ):
        ec2.modify_vpc_endpoint(VpcEndpointId=id, RemoveSecurityGroupIds=[group])


@pytest.mark.parametrize(
    ("asked", "code", "text"),
    [
        (
            {"ServiceName": LOGS},
            "InvalidParameter",
            "Endpoint type (Gateway) does not match available service types ([Interface]).",
        ),
        (
            {"ServiceName": S3, "VpcEndpointType": "Interface"},
            "InvalidParameter",
            "Endpoint type (Interface) does not match available service types ([Gateway]).",
        ),
        (
            {"ServiceName": "com.amazonaws.eu-west-1.s3"},
            "InvalidServiceName",
            "The Vpc Endpoint Service 'com.amazonaws.eu-west-1.s3' does not exist",
        ),
        (
            {"ServiceName": S3, "SubnetIds": ["subnet-0123456789abcdef0"]},
            "InvalidParameter",
            "Subnet IDs are only supported for Interface and GatewayLoadBalancer type VPC Endpoints.",
        ),
        (
            {"ServiceName": LOGS, "VpcEndpointType": "Interface", "RouteTableIds": ["rtb-01234567"]},
            "InvalidParameter",
            "Route table IDs are only supported for Gateway type VPC Endpoint.",
        ),
        (
            {"ServiceName": S3, "PolicyDocument": "allow everything"},
            "InvalidPolicyDocument",
            "The specified policy document is not a valid JSON policy document.",
        ),
        ({}, "MissingParameter", "The request must contain the parameter serviceName"),
        (
            {"ServiceName": LOGS, "VpcEndpointType": "Interface", "IpAddressType": "dualstack"},
            "NotImplemented",
            "IpAddressType=dualstack is not served by Seawall. Nothing was changed.",
        ),
    ],
)
def test_requests_that_make_no_endpoint(
    ec2: Any, refused: Refused, named_vpc: str, asked: dict[str, Any], code: str, text: str
) -> None:
    with refused(code, text):
        ec2.create_vpc_endpoint(VpcId=named_vpc, **asked)
    assert ec2.describe_vpc_endpoints()["VpcEndpoints"] == []
    assert ec2.describe_network_interfaces()["NetworkInterfaces"] == []


def test_deleting_is_a_wish_whose_routes_go_at_once(
    ec2: Any,
    refused: Refused,
    gateway_endpoint: dict[str, Any],
    interface_endpoint: dict[str, Any],
    table_id: str,
) -> None:
    ids = [gateway_endpoint["VpcEndpointId"], interface_endpoint["VpcEndpointId"]]
    missing = "vpce-0123456789abcdef0"
    answer = ec2.delete_vpc_endpoints(VpcEndpointIds=[*ids, missing])
    assert answer["Unsuccessful"] == [
        {
            "ResourceId": missing,
            "Error": {
                "Code": "InvalidVpcEndpoint.NotFound",
                "Message": f"The Vpc Endpoint Id '{missing}' does not exist",
            },
        }
    ]
    assert [described(ec2, id)["State"] for id in ids] == ["deleting", "deleting"]
    assert routes(ec2, table_id) == []
    with refused("IncorrectState", f"The Vpc Endpoint {ids[0]} is in state deleting"):
        ec2.modify_vpc_endpoint(VpcEndpointId=ids[0], AddRouteTableIds=[table_id])
    subnet_id = interface_endpoint["SubnetIds"][0]
    with refused("DependencyViolation", f"The subnet '{subnet_id}' has dependencies and cannot be deleted."):
        ec2.delete_subnet(SubnetId=subnet_id)


def test_policies_are_kept(ec2: Any, gateway_endpoint: dict[str, Any]) -> None:
    id = gateway_endpoint["VpcEndpointId"]
    policy = json.dumps({"Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*", "Principal": "*"}]})
    ec2.modify_vpc_endpoint(VpcEndpointId=id, PolicyDocument=policy)
    assert described(ec2, id)["PolicyDocument"] == policy
    ec2.modify_vpc_endpoint(VpcEndpointId=id, ResetPolicy=True)
    assert described(ec2, id)["PolicyDocument"] == gateway_endpoint["PolicyDocument"]


def test_endpoints_are_found(
    ec2: Any, gateway_endpoint: dict[str, Any], interface_endpoint: dict[str, Any]
) -> None:
    def found(name: str, value: str) -> list[str]:
        answer = ec2.describe_vpc_endpoints(Filters=[{"Name": name, "Values": [value]}])
        return [endpoint["VpcEndpointId"] for endpoint in answer["VpcEndpoints"]]

    one, two = [gateway_endpoint["VpcEndpointId"]], [interface_endpoint["VpcEndpointId"]]
    assert found("vpc-endpoint-type", "Gateway") == found("service-name", "*.s3") == one
    assert found("vpc-endpoint-state", "pending") == found("service-name", LOGS) == two
    assert found("vpc-endpoint-id", two[0]) == two
    assert (
        found("vpc-id", gateway_endpoint["VpcId"])
        == found("service-region", "us-east-1")
        == sorted(one + two)
    )
    assert found("ip-address-type", "ipv6") == []


def test_a_client_token_makes_one_endpoint(ec2: Any, store: Store, vpc_id: str) -> None:
    asked = {"VpcId": vpc_id, "ServiceName": S3, "ClientToken": "once"}
    first, second = ec2.create_vpc_endpoint(**asked), ec2.create_vpc_endpoint(**asked)
    assert first["VpcEndpoint"] == second["VpcEndpoint"]
    assert first["ClientToken"] == "once"


def test_endpoints_have_tags(ec2: Any, vpc_id: str) -> None:
    tags = [{"Key": "Name", "Value": "s3"}]
    id = ec2.create_vpc_endpoint(
        VpcId=vpc_id,
        ServiceName=S3,
        TagSpecifications=[{"ResourceType": "vpc-endpoint", "Tags": tags}],
    )["VpcEndpoint"]["VpcEndpointId"]
    assert described(ec2, id)["Tags"] == tags
    ec2.create_tags(Resources=[id], Tags=[{"Key": "env", "Value": "test"}])
    assert described(ec2, id)["Tags"] == [*tags, {"Key": "env", "Value": "test"}]
    (tag,) = ec2.describe_tags(Filters=[{"Name": "key", "Values": ["env"]}])["Tags"]
    assert tag["ResourceType"] == "vpc-endpoint"


def test_services_there_are(ec2: Any, refused: Refused) -> None:
    answer = ec2.describe_vpc_endpoint_services()
    assert {S3, LOGS, "com.amazonaws.us-east-1.ecr.dkr"} <= set(answer["ServiceNames"])
    (s3,) = ec2.describe_vpc_endpoint_services(Filters=[{"Name": "service-type", "Values": ["Gateway"]}])[
        "ServiceDetails"
    ]
    assert (s3["ServiceName"], s3["BaseEndpointDnsNames"]) == (S3, ["s3.us-east-1.amazonaws.com"])
    assert "PrivateDnsName" not in s3
    (agent,) = ec2.describe_vpc_endpoint_services(ServiceNames=["com.amazonaws.us-east-1.ecs-agent"])[
        "ServiceDetails"
    ]
    assert agent["PrivateDnsName"] == "ecs-a.us-east-1.amazonaws.com"
    assert agent["BaseEndpointDnsNames"] == ["ecs-a.us-east-1.vpce.amazonaws.com"]
    with refused("InvalidServiceName", "The Vpc Endpoint Service 'com.example.x' does not exist"):
        ec2.describe_vpc_endpoint_services(ServiceNames=["com.example.x"])
