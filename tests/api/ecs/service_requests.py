"""CreateService's input, all good, for tests to spoil."""

from typing import Any

from tests.api.ecs.conftest import Site
from tests.api.ecs.ecs_requests import container, fargate


def service_input(site: Site, **changes: Any) -> dict[str, Any]:
    """Two tasks of myapp over the site's subnets; a member that is None is left out."""
    network = {"subnets": list(site.subnets), "securityGroups": [site.group]}
    request = {
        "serviceName": "web",
        "taskDefinition": "myapp",
        "desiredCount": 2,
        "launchType": "FARGATE",
        "networkConfiguration": {"awsvpcConfiguration": network},
        **changes,
    }
    return {name: value for name, value in request.items() if value is not None}


def balanced(aws: Any, site: Site, *, target_type: str = "ip", listener: bool = True) -> dict[str, Any]:
    """A service of a definition with port 80 behind an application load balancer."""
    ec2, elb = aws("ec2"), aws("elbv2")
    aws("ecs").register_task_definition(
        **fargate(family="served", **container(portMappings=[{"containerPort": 80}]))
    )
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=site.vpc)
    group = elb.create_target_group(
        Name="web", Protocol="HTTP", Port=80, VpcId=site.vpc, TargetType=target_type
    )["TargetGroups"][0]["TargetGroupArn"]
    if listener:
        subnet = ec2.create_subnet(VpcId=site.vpc, CidrBlock="10.0.2.0/24", AvailabilityZone="us-east-1b")
        zones = [site.subnets[0], subnet["Subnet"]["SubnetId"]]
        balancer = elb.create_load_balancer(Name="web", Subnets=zones, SecurityGroups=[site.group])
        elb.create_listener(
            LoadBalancerArn=balancer["LoadBalancers"][0]["LoadBalancerArn"],
            Protocol="HTTP",
            Port=80,
            DefaultActions=[{"Type": "forward", "TargetGroupArn": group}],
        )
    targets = [{"targetGroupArn": group, "containerName": "web", "containerPort": 80}]
    return service_input(site, taskDefinition="served", loadBalancers=targets)
