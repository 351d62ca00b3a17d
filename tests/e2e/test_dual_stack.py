"""Tasks with an IPv6 address: from the account's setting to packets from and to the internet."""

import ipaddress
from collections.abc import Iterator
from typing import Any

import pytest
from tests.e2e.harness import Seawall, interface_of, run_task, wait_for

CURL = ("curl", "-g", "-sS", "--max-time", "3")
CLIENT6 = "2001:db8:cb00:7100::10"
# Tells everybody the address it sees.
MIRROR = """
import socket
server = socket.create_server(("::", 8000), family=socket.AF_INET6)
print("up", flush=True)
while True:
    client, (address, *_) = server.accept()
    client.recv(9999)
    client.sendall(b"HTTP/1.0 200 OK\\r\\n\\r\\n" + address.encode())
    client.close()
"""


class DualStack:
    """A VPC of both families: a subnet behind an internet gateway, and one whose IPv6 only goes out."""

    def __init__(self, seawall: Seawall) -> None:
        self.seawall = seawall
        ec2 = self.ec2 = seawall.client("ec2")
        made = ec2.create_vpc(CidrBlock="10.0.0.0/16", AmazonProvidedIpv6CidrBlock=True)
        self.vpc = made["Vpc"]["VpcId"]
        (found,) = ec2.describe_vpcs(VpcIds=[self.vpc])["Vpcs"]
        block = ipaddress.IPv6Network(found["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlock"])
        self.blocks = [next_block for next_block, _ in zip(block.subnets(new_prefix=64), "ab", strict=False)]
        igw = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        ec2.attach_internet_gateway(InternetGatewayId=igw, VpcId=self.vpc)
        only_out = ec2.create_egress_only_internet_gateway(VpcId=self.vpc)
        only_out_id = only_out["EgressOnlyInternetGateway"]["EgressOnlyInternetGatewayId"]
        self.open = self._subnet(0, igw, GatewayId=igw)
        self.shut = self._subnet(1, igw, EgressOnlyInternetGatewayId=only_out_id)
        group = ec2.create_security_group(GroupName="dual", Description="dual", VpcId=self.vpc)
        self.group = group["GroupId"]
        self.rule4 = {"IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
        self.rule6 = {"Ipv6Ranges": [{"CidrIpv6": "::/0"}]}
        for ranges in (self.rule4, self.rule6):
            ec2.authorize_security_group_ingress(GroupId=self.group, IpPermissions=[http(ranges)])

    def _subnet(self, number: int, igw: str, **ipv6_target: str) -> str:
        made = self.ec2.create_subnet(
            VpcId=self.vpc, CidrBlock=f"10.0.{number}.0/24", Ipv6CidrBlock=str(self.blocks[number])
        )
        id = str(made["Subnet"]["SubnetId"])
        self.ec2.modify_subnet_attribute(SubnetId=id, AssignIpv6AddressOnCreation={"Value": True})
        table = self.ec2.create_route_table(VpcId=self.vpc)["RouteTable"]["RouteTableId"]
        self.ec2.associate_route_table(RouteTableId=table, SubnetId=id)
        self.ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=igw)
        self.ec2.create_route(RouteTableId=table, DestinationIpv6CidrBlock="::/0", **ipv6_target)
        return id


def http(ranges: dict[str, Any]) -> dict[str, Any]:
    return {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, **ranges}


class Seen:
    """A running task and its addresses, as the API tells them."""

    def __init__(self, seawall: Seawall, task: dict[str, Any]) -> None:
        interface = interface_of(seawall, task)
        (said,) = interface["Ipv6Addresses"]
        self.ipv6 = str(said["Ipv6Address"])
        self.public = str(interface["Association"]["PublicIp"])
        for container in task["containers"]:
            assert container["networkInterfaces"][0]["ipv6Address"] == self.ipv6


@pytest.fixture(scope="module")
def dual(seawall: Seawall) -> DualStack:
    return DualStack(seawall)


@pytest.fixture(scope="module")
def tasks(seawall: Seawall, account: None, dual: DualStack) -> Iterator[tuple[Seen, Seen]]:
    """One in the open subnet, one in the shut one; images come over IPv4."""
    ecs = seawall.client("ecs")
    ecs.put_account_setting(name="dualStackIPv6", value="enabled")
    try:
        arns = [run_task(seawall, subnet, dual.group, public=True) for subnet in (dual.open, dual.shut)]
    finally:
        ecs.put_account_setting(name="dualStackIPv6", value="disabled")
    wait_for(seawall, "tasks_running", *arns)
    opened, shut = ecs.describe_tasks(tasks=arns)["tasks"]
    if opened["taskArn"] != arns[0]:
        opened, shut = shut, opened
    yield Seen(seawall, opened), Seen(seawall, shut)
    for arn in arns:
        ecs.stop_task(task=arn)
    wait_for(seawall, "tasks_stopped", *arns)


def test_addresses_come_from_the_subnets_blocks(dual: DualStack, tasks: tuple[Seen, Seen]) -> None:
    for task, block in zip(tasks, dual.blocks, strict=True):
        assert ipaddress.IPv6Address(task.ipv6) in block


def test_the_internet_reaches_what_the_group_opens(
    seawall: Seawall, dual: DualStack, tasks: tuple[Seen, Seen]
) -> None:
    opened, _ = tasks
    page = seawall.internet(*CURL, f"http://[{opened.ipv6}]/")
    assert page.returncode == 0, page.stderr
    assert "This is web on" in page.stdout
    assert seawall.internet(*CURL, f"http://[{opened.ipv6}]:8080/").returncode == 28
    dual.ec2.revoke_security_group_ingress(GroupId=dual.group, IpPermissions=[http(dual.rule6)])
    seawall.settle()
    try:
        assert seawall.internet(*CURL, f"http://[{opened.ipv6}]/").returncode == 28
        assert seawall.internet(*CURL, f"http://{opened.public}/").returncode == 0
    finally:
        dual.ec2.authorize_security_group_ingress(GroupId=dual.group, IpPermissions=[http(dual.rule6)])
        seawall.settle()


def test_the_egress_only_gateway_lets_out_and_nothing_in(seawall: Seawall, tasks: tuple[Seen, Seen]) -> None:
    _, shut = tasks
    assert seawall.internet(*CURL, f"http://[{shut.ipv6}]/").returncode == 28
    with seawall.internet_process("python3", "-c", MIRROR) as mirror:
        assert mirror.stdout is not None and mirror.stdout.readline() == "up\n"
        for task in tasks:
            fetch = f"http://{task.public}/cgi-bin/fetch?http://[{CLIENT6}]:8000/"
            done = seawall.internet(*CURL, "--max-time", "8", fetch)
            assert (done.returncode, done.stdout) == (0, task.ipv6), done.stderr


def test_inside_both_families_lead_to_the_neighbour(seawall: Seawall, tasks: tuple[Seen, Seen]) -> None:
    opened, shut = tasks
    fetch = f"http://{opened.public}/cgi-bin/fetch?http://[{shut.ipv6}]/"
    done = seawall.internet(*CURL, "--max-time", "12", fetch)
    assert "This is web on" in done.stdout, done.stderr
