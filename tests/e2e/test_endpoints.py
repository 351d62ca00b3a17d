"""A task that sees nothing of the internet, only the endpoints that AWS says it needs."""

import json
from collections.abc import Iterator
from typing import Any

import botocore.waiter
import pytest
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
    """A VPC without any gateway to the internet: one subnet, three interface endpoints, and S3's."""

    def __init__(self, seawall: Seawall) -> None:
        self.seawall = seawall
        self.ec2 = ec2 = seawall.client("ec2")
        region = seawall.running.region
        self.vpc = ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
        ec2.modify_vpc_attribute(VpcId=self.vpc, EnableDnsHostnames={"Value": True})
        self.subnet = ec2.create_subnet(VpcId=self.vpc, CidrBlock="10.7.1.0/24")["Subnet"]["SubnetId"]
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
            for name in INTERFACES
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


@pytest.fixture(scope="module")
def network(seawall: Seawall, account: None) -> Iterator[EndpointNetwork]:
    made = EndpointNetwork(seawall)
    yield made
    made.remove()


def test_it_pulls_its_image_and_writes_its_logs(network: EndpointNetwork) -> None:
    said = network.look("echo I am here; timeout 2 wget -qO- http://203.0.113.10/; echo and $?")
    assert said.splitlines()[0] == "I am here"
    assert "and 143" in said.splitlines()  # the time was over; the internet is silent


def test_names_of_services_mean_the_endpoints_inside_and_the_services_outside(
    seawall: Seawall, network: EndpointNetwork
) -> None:
    region, account = seawall.running.region, seawall.running.account
    names = {
        "logs": f"logs.{region}.amazonaws.com",
        "ecr.api": f"api.ecr.{region}.amazonaws.com",
        "ecr.dkr": f"{account}.dkr.ecr.{region}.amazonaws.com",
    }
    said = network.look(f"for name in {' '.join(names.values())}; do nslookup $name; done")
    for service, name in names.items():
        assert f"Name:\t{name}\nAddress: {network.address(service)}" in said
    (found,) = network.ec2.describe_vpc_endpoints(VpcEndpointIds=[network.endpoints["logs"]])["VpcEndpoints"]
    own = found["DnsEntries"][0]["DnsName"]
    script = (
        f"import json, socket; print(json.dumps([socket.gethostbyname(n) for n in {[names['logs'], own]}]))"
    )
    done = seawall.internet("python3", "-c", script)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == ["198.19.0.10", network.address("logs")]


def test_without_the_rule_of_the_endpoints_group_it_does_not_start(
    seawall: Seawall, network: EndpointNetwork
) -> None:
    network.ec2.revoke_security_group_ingress(**network.rule)
    seawall.settle()
    try:
        task = network.run("echo never")
    finally:
        network.ec2.authorize_security_group_ingress(**network.rule)
        seawall.settle()
    assert task["stopCode"] == "TaskFailedToStart"
    assert "i/o timeout" in task["stoppedReason"]
    group = network.rule["GroupId"]
    assert (
        f"[Seawall: no ingress rule of {group}, of {network.endpoints['ecr.api']} " in task["stoppedReason"]
    )
    assert network.look("echo again") == "again"


def test_the_own_name_of_an_endpoint_is_served_and_s3_has_its_gateway(network: EndpointNetwork) -> None:
    (found,) = network.ec2.describe_vpc_endpoints(VpcEndpointIds=[network.endpoints["logs"]])["VpcEndpoints"]
    own = found["DnsEntries"][0]["DnsName"]
    hosts = (own, f"s3.{network.seawall.running.region}.amazonaws.com", "198.19.0.10")
    said = network.look("; ".join(f"nc -w 2 {host} 443 < /dev/null; echo $?" for host in hosts) + "; true")
    assert [line for line in said.splitlines() if line.isdigit()] == ["0", "0", "1"]


def test_a_task_is_told_what_the_vpcs_options_say_when_it_is_made(network: EndpointNetwork) -> None:
    ec2 = network.ec2
    before = ec2.describe_vpcs(VpcIds=[network.vpc])["Vpcs"][0]["DhcpOptionsId"]
    options = {"domain-name": ["corp.example"], "domain-name-servers": ["AmazonProvidedDNS"]}
    made = ec2.create_dhcp_options(
        DhcpConfigurations=[{"Key": key, "Values": values} for key, values in options.items()]
    )["DhcpOptions"]["DhcpOptionsId"]
    ec2.associate_dhcp_options(VpcId=network.vpc, DhcpOptionsId=made)
    try:
        said = network.look("cat /etc/resolv.conf")
    finally:
        ec2.associate_dhcp_options(VpcId=network.vpc, DhcpOptionsId=before)
        ec2.delete_dhcp_options(DhcpOptionsId=made)
    assert said.splitlines() == ["nameserver 10.7.0.2", "search corp.example"]
