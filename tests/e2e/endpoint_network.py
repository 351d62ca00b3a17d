"""A VPC that sees nothing of the internet, only AWS's services through endpoints."""

from typing import Any

import botocore.waiter
from tests.e2e.harness import ROLE, WAIT, Seawall, register, run_task, wait_for

INTERFACES = ("ecr.api", "ecr.dkr", "logs")


def waiter(operation: str, **acceptor: Any) -> dict[str, Any]:
    return {
        "operation": operation,
        "delay": WAIT["Delay"],
        "maxAttempts": WAIT["MaxAttempts"],
        "acceptors": [{"state": "success", **acceptor}],
    }


# The SDK has none for endpoints.
WAITERS = botocore.waiter.WaiterModel(
    {
        "version": 2,
        "waiters": {
            "Available": waiter(
                "DescribeVpcEndpoints",
                matcher="pathAll",
                argument="VpcEndpoints[].State",
                expected="available",
            ),
            "Gone": waiter("DescribeVpcEndpoints", matcher="error", expected="InvalidVpcEndpointId.NotFound"),
            "NoInterfaces": waiter(
                "DescribeNetworkInterfaces",
                matcher="path",
                argument="length(NetworkInterfaces[]) == `0`",
                expected=True,
            ),
        },
    }
)


class EndpointNetwork:
    """A VPC without any gateway to the internet: one subnet, interface endpoints, and S3's."""

    def __init__(
        self, seawall: Seawall, interfaces: tuple[str, ...] = INTERFACES, block: str = "10.7"
    ) -> None:
        self.seawall = seawall
        self.ec2 = ec2 = seawall.client("ec2")
        region = seawall.running.region
        self.vpc = ec2.create_vpc(CidrBlock=f"{block}.0.0/16")["Vpc"]["VpcId"]
        ec2.modify_vpc_attribute(VpcId=self.vpc, EnableDnsHostnames={"Value": True})
        self.subnet = ec2.create_subnet(VpcId=self.vpc, CidrBlock=f"{block}.1.0/24")["Subnet"]["SubnetId"]
        mine = [{"Name": "vpc-id", "Values": [self.vpc]}]
        (table,) = ec2.describe_route_tables(Filters=mine)["RouteTables"]
        self.task_group, endpoint_group = self._group("tasks"), self._group("endpoints")
        from_tasks = {
            "IpProtocol": "tcp",
            "FromPort": 443,
            "ToPort": 443,
            "UserIdGroupPairs": [{"GroupId": self.task_group}],
        }
        self.rule = {"GroupId": endpoint_group, "IpPermissions": [from_tasks]}
        ec2.authorize_security_group_ingress(**self.rule)
        self.endpoints = {
            name: self._endpoint(
                ServiceName=f"com.amazonaws.{region}.{name}",
                VpcEndpointType="Interface",
                SubnetIds=[self.subnet],
                SecurityGroupIds=[endpoint_group],
            )
            for name in interfaces
        }
        self.endpoints["s3"] = self._endpoint(
            ServiceName=f"com.amazonaws.{region}.s3", RouteTableIds=[table["RouteTableId"]]
        )
        self.wait("Available", *self.endpoints.values())
        seawall.settle()

    def _group(self, name: str) -> str:
        made = self.ec2.create_security_group(VpcId=self.vpc, GroupName=name, Description=name)
        return str(made["GroupId"])

    def _endpoint(self, **asked: Any) -> str:
        return str(self.ec2.create_vpc_endpoint(VpcId=self.vpc, **asked)["VpcEndpoint"]["VpcEndpointId"])

    def wait(self, state: str, *ids: str) -> None:
        waiter = botocore.waiter.create_waiter_with_client(state, WAITERS, self.ec2)
        waiter.wait(VpcEndpointIds=list(ids))

    def remove(self) -> None:
        """Nothing stays in the way: endpoints give back their interfaces, groups and subnet."""
        ids = list(self.endpoints.values())
        assert self.ec2.delete_vpc_endpoints(VpcEndpointIds=ids)["Unsuccessful"] == []
        self.wait("Gone", *ids)
        waiter = botocore.waiter.create_waiter_with_client("NoInterfaces", WAITERS, self.ec2)
        waiter.wait(Filters=[{"Name": "vpc-id", "Values": [self.vpc]}])
        for group in (self.rule["GroupId"], self.task_group):
            self.ec2.delete_security_group(GroupId=group)
        self.ec2.delete_subnet(SubnetId=self.subnet)
        self.ec2.delete_vpc(VpcId=self.vpc)

    def address(self, name: str) -> str:
        """Where the endpoint is in the subnet."""
        (found,) = self.ec2.describe_vpc_endpoints(VpcEndpointIds=[self.endpoints[name]])["VpcEndpoints"]
        (interface,) = self.ec2.describe_network_interfaces(NetworkInterfaceIds=found["NetworkInterfaceIds"])[
            "NetworkInterfaces"
        ]
        return str(interface["PrivateIpAddress"])

    def look(self, script: str) -> str:
        """Run a shell line in a task there and return what it printed, through CloudWatch Logs."""
        task = self.run(script)
        assert task["stopCode"] == "EssentialContainerExited", task.get("stoppedReason")
        stream = f"ecs/web/{task['taskArn'].rsplit('/', 1)[-1]}"
        events = self.seawall.client("logs").get_log_events(
            logGroupName="/ecs/myapp", logStreamName=stream, startFromHead=True
        )["events"]
        return "\n".join(e["message"] for e in events)

    def run(self, script: str) -> dict[str, Any]:
        role = f"arn:aws:iam::{self.seawall.running.account}:role/{ROLE}"
        definition = register(self.seawall, "behind", role, web={"command": ["/bin/sh", "-c", script]})
        arn = run_task(self.seawall, self.subnet, self.task_group, family=definition)
        return wait_for(self.seawall, "tasks_stopped", arn)
