"""Ten broken networks: the connection fails, `seawall explain` names the cause, its commands mend it."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import botocore.waiter
import pytest
from tests.e2e.harness import (
    BIN,
    WAIT,
    Network,
    Seawall,
    interface_of,
    prepare_account,
    run_task,
    wait_for,
)

CLIENT = "203.0.113.10"
LISTENING = 8000
EVERYWHERE = "0.0.0.0/0"
# Runs inside a task's namespace; a name is asked of the VPC's resolver, as the task's own programs do it.
CONNECT = """
import ipaddress, socket, sys
import dns.resolver
host, port, server = sys.argv[1:]
try:
    ipaddress.ip_address(host)
except ValueError:
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers = [server]
    host = resolver.resolve(host, "A")[0].address
socket.create_connection((host, int(port)), 1).close()
"""


ACTIVE = {
    "matcher": "pathAll",
    "argument": "VpcPeeringConnections[].Status.Code",
    "expected": "active",
    "state": "success",
}
ENDED = {
    "matcher": "pathAll",
    "argument": "NetworkInsightsAnalyses[].Status",
    "expected": "succeeded",
    "state": "success",
}


def waiter_for(operation: str, acceptor: dict[str, str]) -> dict[str, Any]:
    return {
        "operation": operation,
        "delay": WAIT["Delay"],
        "maxAttempts": WAIT["MaxAttempts"],
        "acceptors": [acceptor],
    }


# The SDK has none for analyses, and waits for a peering connection to be there, not to carry packets.
WAITERS = botocore.waiter.WaiterModel(
    {
        "version": 2,
        "waiters": {
            "PeeringActive": waiter_for("DescribeVpcPeeringConnections", ACTIVE),
            "AnalysisEnded": waiter_for("DescribeNetworkInsightsAnalyses", ENDED),
        },
    }
)


@dataclass(frozen=True)
class Question:
    """Whom to connect to, what explain must find in the way, and a part of each command it must give."""

    start: str
    host: str
    port: int
    code: str
    component: str
    commands: tuple[str, ...]


class Site:
    """web (public address) and app (private subnet) in one VPC, db in another; all listen on port 80.

    Each test starts from `restore`: the private subnet has an empty table of its own and no ACL of its own,
    port 80 is open to everybody.
    """

    def __init__(self, seawall: Seawall) -> None:
        self.seawall = seawall
        self.ec2 = seawall.client("ec2")
        self.a = Network(seawall)
        self.groups = {name: self._group(self.a.vpc, name) for name in ("app", "endpoint")}
        self.b, self.b_table, b_subnet = self._second_vpc()
        self.groups |= {"web": self.a.group, "db": self._group(self.b, "db")}
        self.open("app", "db")
        arns = {
            "web": run_task(seawall, self.a.public, self.groups["web"], public=True),
            "app": run_task(seawall, self.a.private, self.groups["app"]),
            "db": run_task(seawall, b_subnet, self.groups["db"], public=True),
        }
        tasks = {name: wait_for(seawall, "tasks_running", arn) for name, arn in arns.items()}
        self.ids = {name: arn.rpartition("/")[2] for name, arn in arns.items()}
        self.interfaces = {name: interface_of(seawall, task) for name, task in tasks.items()}

    def _second_vpc(self) -> tuple[str, str, str]:
        """A VPC with one public subnet: its id, its table's and its subnet's."""
        vpc = self.ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
        subnet = self.ec2.create_subnet(VpcId=vpc, CidrBlock="10.1.0.0/24")["Subnet"]["SubnetId"]
        gateway = self.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        self.ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
        (table,) = self.ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])[
            "RouteTables"
        ]
        id = table["RouteTableId"]
        self.ec2.create_route(RouteTableId=id, DestinationCidrBlock=EVERYWHERE, GatewayId=gateway)
        return vpc, id, subnet

    def _group(self, vpc: str, name: str) -> str:
        made = self.ec2.create_security_group(VpcId=vpc, GroupName=name, Description=name)
        return str(made["GroupId"])

    def address(self, name: str) -> str:
        return str(self.interfaces[name]["PrivateIpAddress"])

    def restore(self) -> None:
        mine = [{"Name": "association.subnet-id", "Values": [self.a.private]}]
        (old,) = self.ec2.describe_route_tables(Filters=mine)["RouteTables"]
        self.table = self.ec2.create_route_table(VpcId=self.a.vpc)["RouteTable"]["RouteTableId"]
        self.ec2.replace_route_table_association(
            AssociationId=old["Associations"][0]["RouteTableAssociationId"], RouteTableId=self.table
        )
        self.acl("default")
        self.open("web", "app", "db")

    def open(self, *names: str) -> None:
        """Let everybody in to port 80, and nobody to anything else."""
        for name in names:
            self.allow(name, 80, IpRanges=[{"CidrIp": EVERYWHERE}])

    def allow(self, name: str, port: int, **peer: Any) -> None:
        """Make this the only ingress rule of a group."""
        (group,) = self.ec2.describe_security_groups(GroupIds=[self.groups[name]])["SecurityGroups"]
        if group["IpPermissions"]:
            self.ec2.revoke_security_group_ingress(
                GroupId=group["GroupId"], IpPermissions=group["IpPermissions"]
            )
        rule = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, **peer}
        self.ec2.authorize_security_group_ingress(GroupId=group["GroupId"], IpPermissions=[rule])

    def acl(self, *entries: Any) -> str:
        """Give the private subnet an ACL: "default", or one of (number, action, block, ports, egress)."""
        in_vpc = [{"Name": "vpc-id", "Values": [self.a.vpc]}]
        acls = self.ec2.describe_network_acls(Filters=in_vpc)["NetworkAcls"]
        (now,) = (x["NetworkAclAssociationId"] for acl in acls for x in acl["Associations"]
                  if x["SubnetId"] == self.a.private)  # fmt: skip
        if entries == ("default",):
            id = next(acl["NetworkAclId"] for acl in acls if acl["IsDefault"])
        else:
            id = self.ec2.create_network_acl(VpcId=self.a.vpc)["NetworkAcl"]["NetworkAclId"]
        for number, action, block, ports, egress in entries if entries != ("default",) else ():
            range_ = {"PortRange": {"From": ports[0], "To": ports[1]}} if ports else {}
            self.ec2.create_network_acl_entry(
                NetworkAclId=id, RuleNumber=number, Protocol="6" if ports else "-1", RuleAction=action,
                CidrBlock=block, Egress=egress, **range_,
            )  # fmt: skip
        self.ec2.replace_network_acl_association(AssociationId=now, NetworkAclId=id)
        return str(id)

    def default_route(self, **target: str) -> None:
        self.ec2.create_route(RouteTableId=self.table, DestinationCidrBlock=EVERYWHERE, **target)

    def nats(self) -> list[dict[str, Any]]:
        here = [{"Name": "vpc-id", "Values": [self.a.vpc]}, {"Name": "state", "Values": ["available"]}]
        return list(self.ec2.describe_nat_gateways(Filters=here)["NatGateways"])

    def nat(self) -> tuple[str, str]:
        """A NAT gateway in the public subnet and its public address, made where there is none."""
        if not self.nats():
            self.new_nat()
        (found,) = self.nats()
        return found["NatGatewayId"], found["NatGatewayAddresses"][0]["PublicIp"]

    def new_nat(self) -> str:
        address = self.ec2.allocate_address(Domain="vpc")["AllocationId"]
        made = self.ec2.create_nat_gateway(SubnetId=self.a.public, AllocationId=address)
        id = str(made["NatGateway"]["NatGatewayId"])
        self.ec2.get_waiter("nat_gateway_available").wait(NatGatewayIds=[id], WaiterConfig=WAIT)
        return id

    def delete_nat(self, id: str) -> None:
        (found,) = self.ec2.describe_nat_gateways(NatGatewayIds=[id])["NatGateways"]
        self.ec2.delete_nat_gateway(NatGatewayId=id)
        self.ec2.get_waiter("nat_gateway_deleted").wait(NatGatewayIds=[id], WaiterConfig=WAIT)
        self.ec2.release_address(AllocationId=found["NatGatewayAddresses"][0]["AllocationId"])

    def connects(self, asked: Question) -> bool:
        """Connect for real, from inside the task's namespace."""
        seawall = self.seawall
        # fmt: off
        done = subprocess.run(
            [BIN / "seawall", "--state-dir", seawall.state_dir, "internet", "--namespace",
             f"task-{self.ids[asked.start]}", "--",
             sys.executable, "-c", CONNECT, asked.host, str(asked.port), "169.254.169.253"],
            capture_output=True, text=True, timeout=30, check=False,
        )
        # fmt: on
        assert done.returncode == 0 or "TimeoutError" in done.stderr, done.stderr
        return done.returncode == 0

    def explain(self, asked: Question) -> Any:
        command = [BIN / "seawall", "--state-dir", self.seawall.state_dir, "--output", "json", "explain"]
        ends = [self.ids[asked.start], f"{asked.host}:{asked.port}"]
        done = subprocess.run([*command, *ends], capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode in (0, 1), done.stderr
        return json.loads(done.stdout)


@pytest.fixture(scope="module")
def site(another_seawall: Callable[..., AbstractContextManager[Seawall]]) -> Iterator[Site]:
    with another_seawall() as seawall:
        prepare_account(seawall)
        made = Site(seawall)
        with seawall.internet_process(
            sys.executable, "-m", "http.server", str(LISTENING), "--bind", CLIENT, "--directory", "/nowhere"
        ):
            yield made


def no_route(site: Site) -> Question:
    site.nat()
    fix = f"create-route --route-table-id {site.table}"
    return Question("app", CLIENT, LISTENING, "NO_ROUTE_TO_DESTINATION", site.table, (fix,))


def missing_nat(site: Site) -> Question:
    for nat in site.nats():
        site.delete_nat(nat["NatGatewayId"])
    return Question("app", CLIENT, LISTENING, "NO_ROUTE_TO_DESTINATION", site.table, ("create-nat-gateway",))


def no_ephemeral_range(site: Site) -> Question:
    acl = site.acl((100, "allow", EVERYWHERE, (80, 80), False))
    return Question("web", site.address("app"), 80, "SUBNET_ACL_RESTRICTION", acl, ("From=1024,To=65535",))


def group_through_nat(site: Site) -> Question:
    nat, seen = site.nat()
    site.default_route(NatGatewayId=nat)
    site.allow("web", 80, UserIdGroupPairs=[{"GroupId": site.groups["app"]}])
    public = site.interfaces["web"]["Association"]["PublicIp"]
    group = site.groups["web"]
    return Question("app", public, 80, "ENI_SG_RULES_MISMATCH", group, (f"CidrIp={seen}/32",))


def gateway_without_public_address(site: Site) -> Question:
    site.nat()
    site.default_route(GatewayId=site.a.igw)
    fix = f"replace-route --route-table-id {site.table}"
    return Question("app", CLIENT, LISTENING, "IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS", site.a.igw, (fix,))


def endpoint(site: Site, *, private_dns: bool) -> str:
    """The interface endpoint for CloudWatch Logs in the private subnet, made once."""
    region = site.seawall.running.region
    found = site.ec2.describe_vpc_endpoints(Filters=[{"Name": "vpc-id", "Values": [site.a.vpc]}])
    if found["VpcEndpoints"]:
        id = str(found["VpcEndpoints"][0]["VpcEndpointId"])
        site.ec2.modify_vpc_endpoint(VpcEndpointId=id, PrivateDnsEnabled=private_dns)
        return id
    made = site.ec2.create_vpc_endpoint(
        VpcId=site.a.vpc,
        ServiceName=f"com.amazonaws.{region}.logs",
        VpcEndpointType="Interface",
        SubnetIds=[site.a.private],
        SecurityGroupIds=[site.groups["endpoint"]],
        PrivateDnsEnabled=private_dns,
    )
    return str(made["VpcEndpoint"]["VpcEndpointId"])


def private_dns_off(site: Site) -> Question:
    site.allow("endpoint", 443, IpRanges=[{"CidrIp": "10.0.0.0/16"}])
    id = endpoint(site, private_dns=False)
    name = f"logs.{site.seawall.running.region}.amazonaws.com"
    fix = f"modify-vpc-endpoint --vpc-endpoint-id {id} --private-dns-enabled"
    return Question("app", name, 443, "NO_ROUTE_TO_DESTINATION", id, (fix,))


def wrong_endpoint_group(site: Site) -> Question:
    site.allow("endpoint", 443, UserIdGroupPairs=[{"GroupId": site.groups["web"]}])
    id = endpoint(site, private_dns=True)
    name = f"logs.{site.seawall.running.region}.amazonaws.com"
    group = site.groups["endpoint"]
    fix = f"authorize-security-group-ingress --group-id {group}"
    return Question("app", name, 443, "ENI_SG_RULES_MISMATCH", id, (fix,))


def blackhole(site: Site) -> Question:
    site.nat()
    gone = site.new_nat()
    site.default_route(NatGatewayId=gone)
    site.delete_nat(gone)
    fix = f"replace-route --route-table-id {site.table}"
    return Question("app", CLIENT, LISTENING, "BAD_STATE_ROUTE", gone, (fix,))


def no_return_route(site: Site) -> Question:
    asked = site.ec2.create_vpc_peering_connection(VpcId=site.a.vpc, PeerVpcId=site.b)
    id = asked["VpcPeeringConnection"]["VpcPeeringConnectionId"]
    site.ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=id)
    waiter = botocore.waiter.create_waiter_with_client("PeeringActive", WAITERS, site.ec2)
    waiter.wait(VpcPeeringConnectionIds=[id])
    site.ec2.create_route(
        RouteTableId=site.table, DestinationCidrBlock="10.1.0.0/16", VpcPeeringConnectionId=id
    )
    fix = f"create-route --route-table-id {site.b_table} --destination-cidr-block 10.0.0.0/16"
    return Question(
        "app", site.address("db"), 80, "IGW_DESTINATION_ADDRESS_NOT_IN_RFC1918_EGRESS", "10.0.1.", (fix,)
    )


def order_of_entries(site: Site) -> Question:
    acl = site.acl(
        (90, "deny", "10.0.0.0/16", (80, 90), False),
        (100, "allow", EVERYWHERE, None, False),
        (100, "allow", EVERYWHERE, None, True),
    )
    return Question("web", site.address("app"), 80, "SUBNET_ACL_RESTRICTION", acl, ("--rule-number 45",))


@pytest.mark.parametrize(
    "break_it",
    [
        no_route,
        missing_nat,
        no_ephemeral_range,
        group_through_nat,
        gateway_without_public_address,
        private_dns_off,
        wrong_endpoint_group,
        blackhole,
        no_return_route,
        order_of_entries,
    ],
)
def test_what_explain_proposes_works(site: Site, break_it: Callable[[Site], Question]) -> None:
    site.restore()
    asked = break_it(site)
    site.seawall.settle()
    assert not site.connects(asked)
    found = site.explain(asked)
    assert not found["connects"]
    cause, commands = found["cause"], found["commands"]
    assert cause["code"] == asked.code, cause
    assert any(asked.component in named for named in (cause["text"], *cause["components"].values())), cause
    assert len(commands) == len(asked.commands), commands
    for command, part in zip(commands, asked.commands, strict=True):
        assert part in command
    site.seawall.paste(commands)
    assert site.connects(asked), f"{commands} did not help"
    mended = site.explain(asked)
    assert mended["connects"], mended["cause"]


def test_reachability_analyzer_says_what_explain_says(site: Site) -> None:
    site.restore()
    asked = order_of_entries(site)
    source, destination = (site.interfaces[name]["NetworkInterfaceId"] for name in ("web", "app"))
    path = site.ec2.create_network_insights_path(
        Source=source, Destination=destination, Protocol="tcp", DestinationPort=asked.port
    )["NetworkInsightsPath"]["NetworkInsightsPathId"]
    waiter = botocore.waiter.create_waiter_with_client("AnalysisEnded", WAITERS, site.ec2)

    def analyse() -> Any:
        started = site.ec2.start_network_insights_analysis(NetworkInsightsPathId=path)
        ids = [started["NetworkInsightsAnalysis"]["NetworkInsightsAnalysisId"]]
        waiter.wait(NetworkInsightsAnalysisIds=ids)
        found = site.ec2.describe_network_insights_analyses(NetworkInsightsAnalysisIds=ids)
        return found["NetworkInsightsAnalyses"][0]

    (why,) = analyse()["Explanations"]
    assert (why["ExplanationCode"], why["Acl"]["Id"], why["AclRule"]["RuleNumber"]) == (
        asked.code,
        asked.component,
        90,
    )
    site.seawall.paste(site.explain(asked)["commands"])
    found = analyse()
    assert found["NetworkPathFound"]
    assert found["ReturnPathComponents"][0]["Component"]["Id"] == destination
