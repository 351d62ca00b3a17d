"""A VPC with three public subnets, and requests that most tests make.

net         its ids
elb         the client of elbv2
make_alb    an application load balancer: its ARN
make_nlb    a network load balancer: its ARN
make_group  a target group of addresses in that VPC: its ARN
listen      a listener that forwards, or with the action given: its ARN
refused     (code, message, HTTP status) of a call that is answered with an error
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

Call = Callable[..., Any]
ZONES = ("us-east-1a", "us-east-1b", "us-east-1c")


@dataclass(frozen=True)
class Net:
    vpc: str
    subnets: tuple[str, ...]
    default_group: str
    group: str
    gateway: str


@pytest.fixture
def ec2(aws: Call) -> Any:
    return aws("ec2")


@pytest.fixture
def elb(aws: Call) -> Any:
    return aws("elbv2")


@pytest.fixture
def net(ec2: Any) -> Net:
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = tuple(
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=zone)["Subnet"][
            "SubnetId"
        ]
        for number, zone in enumerate(ZONES)
    )
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    groups = ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["SecurityGroups"]
    group = ec2.create_security_group(GroupName="web", Description="web", VpcId=vpc)["GroupId"]
    return Net(vpc, subnets, groups[0]["GroupId"], group, gateway)


@pytest.fixture
def make_alb(elb: Any, net: Net) -> Call:
    def make(name: str = "web", **more: Any) -> str:
        wanted = {"Subnets": list(net.subnets[:2])} | more
        return str(elb.create_load_balancer(Name=name, **wanted)["LoadBalancers"][0]["LoadBalancerArn"])

    return make


@pytest.fixture
def make_nlb(elb: Any, net: Net) -> Call:
    def make(name: str = "flow", **more: Any) -> str:
        wanted = more if "SubnetMappings" in more else {"Subnets": [net.subnets[0]]} | more
        made = elb.create_load_balancer(Name=name, Type="network", **wanted)
        return str(made["LoadBalancers"][0]["LoadBalancerArn"])

    return make


@pytest.fixture
def make_group(elb: Any, net: Net) -> Call:
    def make(name: str = "tasks", **more: Any) -> str:
        wanted = {"Protocol": "HTTP", "Port": 80, "VpcId": net.vpc, "TargetType": "ip"} | more
        return str(elb.create_target_group(Name=name, **wanted)["TargetGroups"][0]["TargetGroupArn"])

    return make


@pytest.fixture
def listen(elb: Any) -> Call:
    def make(balancer: str, group: str | None = None, port: int = 80, **more: Any) -> str:
        action = {"Type": "forward", "TargetGroupArn": group}
        wanted = {"Protocol": "HTTP", "DefaultActions": [action]} | more
        made = elb.create_listener(LoadBalancerArn=balancer, Port=port, **wanted)
        return str(made["Listeners"][0]["ListenerArn"])

    return make


@pytest.fixture
def refused() -> Call:
    def ask(call: Call, **params: Any) -> tuple[str, str, int]:
        with pytest.raises(ClientError) as caught:
            call(**params)
        response = caught.value.response
        error = response["Error"]
        return error["Code"], error["Message"], response["ResponseMetadata"]["HTTPStatusCode"]

    return ask
