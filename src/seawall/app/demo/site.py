"""What the demonstration makes through the public AWS API, and its removal in the order AWS wants."""

import json
import platform
from dataclasses import dataclass
from typing import Any

from seawall.app.clients import Clients
from seawall.app.demo.images import IMAGES, api_image, push_image, web_image
from seawall.app.running import Running

# As fast as states can change here; AWS's own delays are seconds.
WAIT: Any = {"Delay": 0.1, "MaxAttempts": 600}
CLUSTER = "demo"
FAMILY = "myapp"
LOG_GROUP = "/ecs/myapp"
ROLE = "myappExecutionRole"
EXECUTION_POLICY = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"


@dataclass(frozen=True)
class Site:
    """The ids of what was made."""

    vpc: str
    public_subnet: str
    private_subnet: str
    internet_gateway: str
    nat_gateway: str
    allocation: str
    nat_address: str
    route_tables: tuple[str, str]
    group: str
    task_definition: str


def push_images(clients: Clients, running: Running) -> dict[str, str]:
    """Push both images to repositories of their names; returns what a definition calls them, by name."""
    references = {}
    for name, make in (("web", web_image), ("api", api_image)):
        repository = clients.ecr.create_repository(repositoryName=name)["repository"]
        push_image(make, running=running, repository=name)
        references[name] = f"{repository['repositoryUri']}:latest"
    return references


def build_network(clients: Clients) -> dict[str, Any]:
    """A VPC with a public subnet in one zone and a private one in another."""
    ec2 = clients.ec2
    zones = [zone["ZoneName"] for zone in ec2.describe_availability_zones()["AvailabilityZones"]]
    vpc = ec2.create_vpc(CidrBlock="10.42.0.0/16")["Vpc"]["VpcId"]
    ec2.get_waiter("vpc_available").wait(VpcIds=[vpc], WaiterConfig=WAIT)
    public, private = (
        ec2.create_subnet(VpcId=vpc, CidrBlock=block, AvailabilityZone=zone)["Subnet"]["SubnetId"]
        for block, zone in zip(("10.42.0.0/24", "10.42.1.0/24"), zones[:2], strict=True)
    )
    ec2.get_waiter("subnet_available").wait(SubnetIds=[public, private], WaiterConfig=WAIT)
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    out, inside = (ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"] for _ in range(2))
    ec2.create_route(RouteTableId=out, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    ec2.associate_route_table(RouteTableId=out, SubnetId=public)
    ec2.associate_route_table(RouteTableId=inside, SubnetId=private)
    address = ec2.allocate_address(Domain="vpc")
    nat = ec2.create_nat_gateway(SubnetId=public, AllocationId=address["AllocationId"])
    nat_id = nat["NatGateway"]["NatGatewayId"]
    ec2.get_waiter("nat_gateway_available").wait(NatGatewayIds=[nat_id], WaiterConfig=WAIT)
    ec2.create_route(RouteTableId=inside, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=nat_id)
    group = ec2.create_security_group(VpcId=vpc, GroupName="myapp", Description="port 80 from anywhere")
    return {
        "vpc": vpc,
        "public_subnet": public,
        "private_subnet": private,
        "internet_gateway": gateway,
        "nat_gateway": nat_id,
        "allocation": address["AllocationId"],
        "nat_address": address["PublicIp"],
        "route_tables": (out, inside),
        "group": group["GroupId"],
    }


def open_door(clients: Clients, group: str) -> None:
    """Let port 80 in from everywhere."""
    clients.ec2.authorize_security_group_ingress(
        GroupId=group, IpProtocol="tcp", FromPort=80, ToPort=80, CidrIp="0.0.0.0/0"
    )


def close_door(clients: Clients, group: str) -> None:
    clients.ec2.revoke_security_group_ingress(
        GroupId=group, IpProtocol="tcp", FromPort=80, ToPort=80, CidrIp="0.0.0.0/0"
    )


def register(clients: Clients, references: dict[str, str], region: str) -> str:
    """The blog's task definition with what Fargate needs besides; returns its ARN."""
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "ecs-tasks.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    role = clients.iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    clients.iam.attach_role_policy(RoleName=ROLE, PolicyArn=EXECUTION_POLICY)
    clients.logs.create_log_group(logGroupName=LOG_GROUP)
    containers: Any = [
        {
            "name": name,
            "image": references[name],
            "cpu": 10,
            "memory": 500,
            "essential": True,
            "portMappings": [{"containerPort": port, "hostPort": port}],
            "logConfiguration": {
                "logDriver": "awslogs",
                "options": {
                    "awslogs-group": LOG_GROUP,
                    "awslogs-region": region,
                    "awslogs-stream-prefix": "myapp",
                },
            },
        }
        for name, port in (("web", 80), ("api", 8080))
    ]
    definition = clients.ecs.register_task_definition(
        family=FAMILY,
        networkMode="awsvpc",
        requiresCompatibilities=["FARGATE"],
        cpu="256",
        memory="1024",
        executionRoleArn=role,
        runtimePlatform={
            "cpuArchitecture": "ARM64" if platform.machine() == "aarch64" else "X86_64",
            "operatingSystemFamily": "LINUX",
        },
        containerDefinitions=containers,
    )
    return definition["taskDefinition"]["taskDefinitionArn"]


def build_site(clients: Clients, references: dict[str, str], region: str) -> Site:
    network = build_network(clients)
    open_door(clients, network["group"])
    clients.ecs.create_cluster(clusterName=CLUSTER)
    return Site(**network, task_definition=register(clients, references, region))


def remove_site(clients: Clients, site: Site) -> None:
    """Delete it all.  Where something still holds on to something, the ClientError is raised."""
    ec2 = clients.ec2
    clients.ecs.delete_cluster(cluster=CLUSTER)
    clients.ecs.deregister_task_definition(taskDefinition=site.task_definition)
    ec2.delete_nat_gateway(NatGatewayId=site.nat_gateway)
    ec2.get_waiter("nat_gateway_deleted").wait(NatGatewayIds=[site.nat_gateway], WaiterConfig=WAIT)
    ec2.release_address(AllocationId=site.allocation)
    ec2.detach_internet_gateway(InternetGatewayId=site.internet_gateway, VpcId=site.vpc)
    ec2.delete_internet_gateway(InternetGatewayId=site.internet_gateway)
    for subnet in (site.public_subnet, site.private_subnet):
        ec2.delete_subnet(SubnetId=subnet)
    for table in site.route_tables:
        ec2.delete_route_table(RouteTableId=table)
    ec2.delete_security_group(GroupId=site.group)
    ec2.delete_vpc(VpcId=site.vpc)
    clients.logs.delete_log_group(logGroupName=LOG_GROUP)
    clients.iam.detach_role_policy(RoleName=ROLE, PolicyArn=EXECUTION_POLICY)
    clients.iam.delete_role(RoleName=ROLE)
    for name in IMAGES:
        clients.ecr.delete_repository(repositoryName=name, force=True)
