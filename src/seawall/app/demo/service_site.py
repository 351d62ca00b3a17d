"""The second half of what the demonstration makes: a load balancer, a name, a service; and their removal."""

from dataclasses import dataclass
from typing import Any

from seawall.app.clients import Clients
from seawall.app.demo.site import CLUSTER, FAMILY, WAIT, Site

SERVICE = "shop"
ZONE = "shop.example"
HOST = f"www.{ZONE}"
DRAINING_S = "2"


@dataclass(frozen=True)
class ServiceSite:
    """What was made: subnets are all of the service's and the balancer's, also those of the first half."""

    public_subnets: tuple[str, ...]
    private_subnets: tuple[str, ...]
    added_subnets: tuple[str, ...]
    balancer_group: str
    task_group: str
    balancer: str  # ARN
    balancer_name: str  # in DNS
    balancer_zone: str
    target_groups: dict[str, str]  # container -> ARN
    hosted_zone: str


def build_service_site(clients: Clients, site: Site) -> ServiceSite:
    """An internet-facing balancer in two zones, path rules in front of both containers, an alias, groups."""
    subnets = _subnets(clients, site)
    balancer_group, task_group = _groups(clients, site)
    found = clients.elbv2.create_load_balancer(
        Name="shop", Subnets=list(subnets["public"]), SecurityGroups=[balancer_group]
    )["LoadBalancers"][0]
    arn = found["LoadBalancerArn"]
    groups = {name: _target_group(clients, site, name, port) for name, port in (("web", 80), ("api", 8080))}
    listener = clients.elbv2.create_listener(
        LoadBalancerArn=arn,
        Protocol="HTTP",
        Port=80,
        DefaultActions=[{"Type": "forward", "TargetGroupArn": groups["web"]}],
    )["Listeners"][0]["ListenerArn"]
    clients.elbv2.create_rule(
        ListenerArn=listener,
        Priority=10,
        Conditions=[{"Field": "path-pattern", "Values": ["/cgi-bin/hello*"]}],
        Actions=[{"Type": "forward", "TargetGroupArn": groups["api"]}],
    )
    clients.elbv2.get_waiter("load_balancer_available").wait(LoadBalancerArns=[arn], WaiterConfig=WAIT)
    return ServiceSite(
        public_subnets=subnets["public"],
        private_subnets=subnets["private"],
        added_subnets=subnets["added"],
        balancer_group=balancer_group,
        task_group=task_group,
        balancer=arn,
        balancer_name=found["DNSName"],
        balancer_zone=found["CanonicalHostedZoneId"],
        target_groups=groups,
        hosted_zone=_alias(clients, found["DNSName"], found["CanonicalHostedZoneId"]),
    )


def _subnets(clients: Clients, site: Site) -> dict[str, tuple[str, ...]]:
    """One more of each kind, in the zone the first half left out."""
    ec2 = clients.ec2
    known = ec2.describe_subnets(SubnetIds=[site.public_subnet, site.private_subnet])["Subnets"]
    zones = {subnet["SubnetId"]: subnet["AvailabilityZone"] for subnet in known}
    made = []
    for block, zone, table in (
        ("10.42.2.0/24", zones[site.private_subnet], site.route_tables[0]),
        ("10.42.3.0/24", zones[site.public_subnet], site.route_tables[1]),
    ):
        subnet = ec2.create_subnet(VpcId=site.vpc, CidrBlock=block, AvailabilityZone=zone)["Subnet"][
            "SubnetId"
        ]
        ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
        made.append(subnet)
    public, private = made
    return {
        "public": (site.public_subnet, public),
        "private": (site.private_subnet, private),
        "added": (public, private),
    }


def _groups(clients: Clients, site: Site) -> tuple[str, str]:
    """The balancer is open to everybody, the tasks to the balancer alone."""
    ec2 = clients.ec2
    balancer, tasks = (
        ec2.create_security_group(VpcId=site.vpc, GroupName=name, Description=description)["GroupId"]
        for name, description in (("shop-balancer", "port 80 from anywhere"), ("shop-tasks", "the balancer"))
    )
    ec2.authorize_security_group_ingress(
        GroupId=balancer, IpProtocol="tcp", FromPort=80, ToPort=80, CidrIp="0.0.0.0/0"
    )
    for port in (80, 8080):
        permission: Any = {
            "IpProtocol": "tcp",
            "FromPort": port,
            "ToPort": port,
            "UserIdGroupPairs": [{"GroupId": balancer}],
        }
        ec2.authorize_security_group_ingress(GroupId=tasks, IpPermissions=[permission])
    return balancer, tasks


def _target_group(clients: Clients, site: Site, name: str, port: int) -> str:
    """Looked at as often, and drained as quickly, as a demonstration has time for."""
    arn: str = clients.elbv2.create_target_group(
        Name=f"shop-{name}",
        Protocol="HTTP",
        Port=port,
        VpcId=site.vpc,
        TargetType="ip",
        HealthCheckPath="/revision.txt",
        HealthCheckIntervalSeconds=5,
        HealthCheckTimeoutSeconds=2,
        HealthyThresholdCount=2,
    )["TargetGroups"][0]["TargetGroupArn"]
    clients.elbv2.modify_target_group_attributes(
        TargetGroupArn=arn,
        Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": DRAINING_S}],
    )
    return arn


def _alias(clients: Clients, name: str, zone: str) -> str:
    """www.shop.example, in a zone the whole internet knows."""
    made = clients.route53.create_hosted_zone(Name=ZONE, CallerReference="demo")
    zone_id: str = made["HostedZone"]["Id"]
    _change_alias(clients, "CREATE", zone_id, name, zone)
    return zone_id


def _change_alias(clients: Clients, action: str, hosted_zone: str, name: str, zone: str) -> None:
    target = {"HostedZoneId": zone, "DNSName": name, "EvaluateTargetHealth": True}
    record = {"Name": HOST, "Type": "A", "AliasTarget": target}
    clients.route53.change_resource_record_sets(
        HostedZoneId=hosted_zone, ChangeBatch={"Changes": [{"Action": action, "ResourceRecordSet": record}]}
    )


def create_service(clients: Clients, site: Site, shop: ServiceSite, count: int) -> None:
    clients.ecs.create_service(
        cluster=CLUSTER,
        serviceName=SERVICE,
        taskDefinition=site.task_definition,
        desiredCount=count,
        launchType="FARGATE",
        healthCheckGracePeriodSeconds=60,
        deploymentConfiguration={"deploymentCircuitBreaker": {"enable": True, "rollback": True}},
        networkConfiguration={
            "awsvpcConfiguration": {
                "subnets": list(shop.private_subnets),
                "securityGroups": [shop.task_group],
                "assignPublicIp": "DISABLED",
            }
        },
        loadBalancers=[
            {"targetGroupArn": arn, "containerName": name, "containerPort": 80 if name == "web" else 8080}
            for name, arn in shop.target_groups.items()
        ],
    )


def register_revision(clients: Clients, site: Site, change: dict[str, Any]) -> str:
    """The task definition once more, with `change` made to its container web; returns the ARN."""
    known: Any = clients.ecs.describe_task_definition(taskDefinition=site.task_definition)["taskDefinition"]
    web, *others = known["containerDefinitions"]
    kept = ("networkMode", "requiresCompatibilities", "cpu", "memory", "executionRoleArn", "runtimePlatform")
    definition = clients.ecs.register_task_definition(
        family=FAMILY,
        containerDefinitions=[web | change, *others],
        **{member: known[member] for member in kept},
    )
    return definition["taskDefinition"]["taskDefinitionArn"]


def remove_service_site(clients: Clients, shop: ServiceSite) -> None:
    """Delete it all but the service, in the order AWS wants."""
    _change_alias(clients, "DELETE", shop.hosted_zone, shop.balancer_name, shop.balancer_zone)
    clients.route53.delete_hosted_zone(Id=shop.hosted_zone)
    clients.elbv2.delete_load_balancer(LoadBalancerArn=shop.balancer)
    clients.elbv2.get_waiter("load_balancers_deleted").wait(
        LoadBalancerArns=[shop.balancer], WaiterConfig=WAIT
    )
    for arn in shop.target_groups.values():
        clients.elbv2.delete_target_group(TargetGroupArn=arn)
