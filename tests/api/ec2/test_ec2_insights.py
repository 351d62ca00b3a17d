"""Reachability Analyzer: paths and analyses, each cause under AWS's name."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from msgspec.structs import replace
from tests.controllers.recording import Bench

from seawall.controllers.network_insights import reconcile
from seawall.model.network_insights import NetworkInsightsAnalysis
from seawall.model.network_interface import NetworkInterface
from seawall.model.resource import Ref
from seawall.model.vpc_peering_connection import VpcPeeringConnection
from seawall.store.store import Store

MISSING = "nip-00000000000000000"


class Site:
    """Interfaces a and b in two subnets of a VPC; b's group lets port 80 in from a's group."""

    def __init__(self, ec2: Any, store: Store, vpc_id: str) -> None:
        self.ec2, self.store, self.vpc_id = ec2, store, vpc_id
        self.bench = Bench(store)
        self.groups = {name: self._group(name) for name in "ab"}
        pairs = [{"GroupId": self.groups["a"]}]
        rule = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "UserIdGroupPairs": pairs}
        ec2.authorize_security_group_ingress(GroupId=self.groups["b"], IpPermissions=[rule])
        self.a, self.b = self._interface("a", "10.0.1.0/24"), self._interface("b", "10.0.2.0/24")

    def _group(self, name: str) -> str:
        made = self.ec2.create_security_group(VpcId=self.vpc_id, GroupName=name, Description=name)
        return str(made["GroupId"])

    def _interface(self, name: str, block: str) -> str:
        made = self.ec2.create_subnet(VpcId=self.vpc_id, CidrBlock=block, AvailabilityZone="us-east-1a")
        subnet = made["Subnet"]["SubnetId"]
        with self.store.write() as txn:
            interface = NetworkInterface(
                id=f"eni-0000000000000000{name}",
                vpc_id=self.vpc_id,
                subnet_id=subnet,
                availability_zone="us-east-1a",
                private_ip_address=block.replace("0/24", "20"),
                mac_address="0a:58:0a:00:01:14",
                description="",
                group_ids=(self.groups[name],),
                status="in-use",
                owner=Ref("task", name),
            )
            txn.put(interface)
        return interface.id

    def path(self, source: str, destination: str | None, **members: Any) -> str:
        given = {"Protocol": "tcp", "Source": source, **members}
        if destination:
            given["Destination"] = destination
        made = self.ec2.create_network_insights_path(**given)
        return str(made["NetworkInsightsPath"]["NetworkInsightsPathId"])

    def analyse(self, path_id: str, **members: Any) -> Any:
        started = self.ec2.start_network_insights_analysis(NetworkInsightsPathId=path_id, **members)
        id = started["NetworkInsightsAnalysis"]["NetworkInsightsAnalysisId"]
        assert started["NetworkInsightsAnalysis"]["Status"] == "running"
        reconcile(id, self.bench.context)
        found = self.ec2.describe_network_insights_analyses(NetworkInsightsAnalysisIds=[id])
        return found["NetworkInsightsAnalyses"][0]

    def ask(self, source: str, destination: str | None, **members: Any) -> Any:
        return self.analyse(self.path(source, destination, **members))


@pytest.fixture
def site(ec2: Any, store: Store, vpc_id: str) -> Site:
    return Site(ec2, store, vpc_id)


def test_a_path_that_is_there_is_shown_with_its_rules(site: Site) -> None:
    found = site.ask(site.a, site.b, DestinationPort=80)
    assert (found["Status"], found["NetworkPathFound"]) == ("succeeded", True)
    forward = found["ForwardPathComponents"]
    assert [step["SequenceNumber"] for step in forward] == list(range(1, len(forward) + 1))
    assert (forward[0]["Component"]["Id"], forward[-1]["Component"]["Id"]) == (site.a, site.b)
    assert forward[0]["Component"]["Arn"] == f"arn:aws:ec2:us-east-1:123456789012:network-interface/{site.a}"
    assert forward[0]["OutboundHeader"]["SourceAddresses"] == ["10.0.1.20/32"]
    assert forward[-1]["InboundHeader"]["DestinationPortRanges"] == [{"From": 80, "To": 80}]
    rules = [step["SecurityGroupRule"] for step in forward if "SecurityGroupRule" in step]
    assert rules[-1] == {
        "Direction": "ingress",
        "Protocol": "tcp",
        "SecurityGroupId": site.groups["a"],
        "PortRange": {"From": 80, "To": 80},
    }
    acls = [step["AclRule"] for step in forward if "AclRule" in step]
    assert [(rule["Egress"], rule["RuleNumber"], rule["RuleAction"]) for rule in acls] == [
        (True, 100, "allow"),
        (False, 100, "allow"),
    ]
    (route,) = (step["RouteTableRoute"] for step in forward if "RouteTableRoute" in step)
    assert (route["DestinationCidr"], route["GatewayId"]) == ("10.0.0.0/16", "local")
    assert found["ReturnPathComponents"][0]["Component"]["Id"] == site.b
    assert "Explanations" not in found


def test_an_open_port_is_found_where_the_path_names_none(site: Site) -> None:
    assert site.ask(site.a, site.b)["NetworkPathFound"] is True
    between = {"DestinationPortRange": {"FromPort": 81, "ToPort": 90}}
    assert site.ask(site.a, site.b, FilterAtSource=between)["NetworkPathFound"] is False


def test_a_group_in_the_way(site: Site) -> None:
    found = site.ask(site.a, site.b, DestinationPort=81)
    assert found["NetworkPathFound"] is False
    (why,) = found["Explanations"]
    assert (why["ExplanationCode"], why["Direction"]) == ("ENI_SG_RULES_MISMATCH", "ingress")
    assert [group["Id"] for group in why["SecurityGroups"]] == [site.groups["b"]]
    assert why["Vpc"]["Id"] == site.vpc_id
    assert why["NetworkInterface"]["Id"] == site.b


def test_an_acl_in_the_way(site: Site, ec2: Any) -> None:
    filters = [{"Name": "vpc-id", "Values": [site.vpc_id]}]
    acl = ec2.describe_network_acls(Filters=filters)["NetworkAcls"][0]["NetworkAclId"]
    entry = {"NetworkAclId": acl, "Protocol": "6", "RuleAction": "deny", "CidrBlock": "10.0.1.0/24"}
    ec2.create_network_acl_entry(**entry, RuleNumber=90, Egress=False, PortRange={"From": 80, "To": 80})
    (why,) = site.ask(site.a, site.b, DestinationPort=80)["Explanations"]
    assert (why["ExplanationCode"], why["Acl"]["Id"]) == ("SUBNET_ACL_RESTRICTION", acl)
    assert why["AclRule"] == {
        "Cidr": "10.0.1.0/24",
        "Egress": False,
        "Protocol": "tcp",
        "RuleAction": "deny",
        "RuleNumber": 90,
        "PortRange": {"From": 80, "To": 80},
    }


def test_no_route_to_the_internet_and_no_public_address(site: Site, ec2: Any) -> None:
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=site.vpc_id)
    (why,) = site.ask(site.a, gateway, DestinationPort=443)["Explanations"]
    assert why["ExplanationCode"] == "NO_ROUTE_TO_DESTINATION"
    filters = [{"Name": "vpc-id", "Values": [site.vpc_id]}]
    table = ec2.describe_route_tables(Filters=filters)["RouteTables"][0]["RouteTableId"]
    assert why["RouteTable"]["Id"] == table
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    (why,) = site.ask(site.a, gateway, DestinationPort=443)["Explanations"]
    assert why["ExplanationCode"] == "IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS"
    assert why["InternetGateway"]["Id"] == gateway
    (why,) = site.ask(gateway, site.a, DestinationPort=80)["Explanations"]
    assert why["ExplanationCode"] == "IGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS"
    ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=site.vpc_id)
    (why,) = site.ask(site.a, None, DestinationIp="203.0.113.10", DestinationPort=443)["Explanations"]
    assert (why["ExplanationCode"], why["RouteTableRoute"]["State"]) == ("BAD_STATE_ROUTE", "blackhole")


def test_what_is_gone_fails_the_analysis(site: Site, store: Store) -> None:
    path = site.path(site.a, site.b, DestinationPort=80)
    with store.write() as txn:
        txn.delete(NetworkInterface, site.b)
    found = site.analyse(path)
    assert (found["Status"], found["StatusMessage"]) == ("failed", f"{site.b} does not exist")
    assert "NetworkPathFound" not in found


def test_what_the_packet_must_look_like_where_it_arrives(site: Site, ec2: Any) -> None:
    ports = {"FromPort": 80, "ToPort": 80}
    here = {"SourceAddress": "10.0.1.20", "DestinationAddress": "10.0.2.20", "DestinationPortRange": ports}
    assert site.ask(site.a, site.b, FilterAtDestination=here)["NetworkPathFound"] is True
    elsewhere = {**here, "SourceAddress": "10.0.1.21"}
    found = site.ask(site.a, site.b, FilterAtDestination=elsewhere)
    assert found["NetworkPathFound"] is False
    named = [{"Name": "filter-at-destination.source-address", "Values": ["10.0.1.21"]}]
    (shown,) = ec2.describe_network_insights_paths(Filters=named)["NetworkInsightsPaths"]
    assert shown["FilterAtDestination"] == elsewhere
    assert shown["NetworkInsightsPathId"] == found["NetworkInsightsPathId"]


def test_a_path_must_lead_through_what_an_analysis_names(site: Site) -> None:
    path = site.path(site.a, site.b, DestinationPort=80)
    group, other = (f"arn:aws:ec2:us-east-1:123456789012:security-group/{site.groups[n]}" for n in "ba")
    assert site.analyse(path, FilterInArns=[group, other])["NetworkPathFound"] is True
    elsewhere = "arn:aws:ec2:us-east-1:123456789012:natgateway/nat-0123456789abcdef0"
    found = site.analyse(path, FilterInArns=[elsewhere])
    assert (found["NetworkPathFound"], found["FilterInArns"]) == (False, [elsewhere])


def test_a_path_to_and_from_a_peering_connection(site: Site, ec2: Any, store: Store) -> None:
    other = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    asked = ec2.create_vpc_peering_connection(VpcId=site.vpc_id, PeerVpcId=other)
    id = asked["VpcPeeringConnection"]["VpcPeeringConnectionId"]
    (why,) = site.ask(site.a, id, DestinationIp="10.9.0.9")["Explanations"]
    assert why["ExplanationCode"] == "NO_ROUTE_TO_DESTINATION"
    filters = [{"Name": "vpc-id", "Values": [site.vpc_id]}]
    table = ec2.describe_route_tables(Filters=filters)["RouteTables"][0]["RouteTableId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="10.9.0.0/16", VpcPeeringConnectionId=id)
    (why,) = site.ask(site.a, id, DestinationIp="10.9.0.9")["Explanations"]
    assert why["ExplanationCode"] == "BAD_STATE_ROUTE"
    with store.write() as txn:
        txn.put(replace(txn.get(VpcPeeringConnection, id), status="active"))
    found = site.ask(site.a, id, DestinationIp="10.9.0.9", DestinationPort=443)
    assert found["NetworkPathFound"] is True
    ends = [found["ForwardPathComponents"][n]["Component"]["Id"] for n in (0, -1)]
    assert ends == [site.a, id]
    assert "ReturnPathComponents" not in found
    found = site.ask(id, site.b, DestinationPort=80)  # the tasks that send over it are all in one VPC
    assert found["NetworkPathFound"] is False


def test_a_path_is_described_as_it_was_made(site: Site, ec2: Any) -> None:
    arn = f"arn:aws:ec2:us-east-1:123456789012:network-interface/{site.a}"
    tags = [{"ResourceType": "network-insights-path", "Tags": [{"Key": "k", "Value": "v"}]}]
    first = site.path(arn, site.b, DestinationPort=80, TagSpecifications=tags)
    ports = {"FromPort": 5, "ToPort": 6}
    second = site.path(site.b, site.a, FilterAtSource={"DestinationPortRange": ports})
    described = ec2.describe_network_insights_paths(NetworkInsightsPathIds=[first])
    (shown,) = described["NetworkInsightsPaths"]
    assert (shown["Source"], shown["SourceArn"], shown["DestinationPort"]) == (site.a, arn, 80)
    assert shown["Tags"] == [{"Key": "k", "Value": "v"}]

    def having(name: str, value: str) -> list[str]:
        found = ec2.describe_network_insights_paths(Filters=[{"Name": name, "Values": [value]}])
        return [path["NetworkInsightsPathId"] for path in found["NetworkInsightsPaths"]]

    assert having("source", site.a) == having("tag:k", "v") == having("destination", site.b) == [first]
    assert having("filter-at-source.destination-port-range", "5-6") == [second]
    assert having("filter-at-destination.source-address", "*") == []
    assert having("protocol", "tcp") == sorted([first, second])
    page = ec2.describe_network_insights_paths(MaxResults=1)
    rest = ec2.describe_network_insights_paths(MaxResults=1, NextToken=page["NextToken"])
    assert len(page["NetworkInsightsPaths"]) == len(rest["NetworkInsightsPaths"]) == 1
    assert "NextToken" not in rest


def test_analyses_are_found_by_path_outcome_and_time(site: Site, ec2: Any, clock: Any) -> None:
    path = site.path(site.a, site.b)
    before = clock()
    good = site.analyse(path)["NetworkInsightsAnalysisId"]
    clock.advance(60)
    bad = site.ask(site.b, site.a)["NetworkInsightsAnalysisId"]

    def ids(**members: Any) -> list[str]:
        found = ec2.describe_network_insights_analyses(**members)["NetworkInsightsAnalyses"]
        return [analysis["NetworkInsightsAnalysisId"] for analysis in found]

    assert ids(NetworkInsightsPathId=path) == [good]
    assert ids(Filters=[{"Name": "path-found", "Values": ["false"]}]) == [bad]
    assert ids(Filters=[{"Name": "status", "Values": ["succeeded"]}]) == sorted([good, bad])
    assert ids(AnalysisEndTime=before) == [good]
    assert ids(AnalysisStartTime=clock()) == [bad]
    assert ids(Filters=[{"Name": "status", "Values": ["running"]}]) == []


def test_a_path_outlives_its_analyses(
    site: Site, ec2: Any, store: Store, refused: Callable[[str, str], Any]
) -> None:
    path = site.path(site.a, site.b)
    analysis = site.analyse(path)["NetworkInsightsAnalysisId"]
    text = f"There are existing analyses for the network insights path {path}."
    with refused("AnalysisExistsForNetworkInsightsPath", text):
        ec2.delete_network_insights_path(NetworkInsightsPathId=path)
    ec2.delete_network_insights_analysis(NetworkInsightsAnalysisId=analysis)
    ec2.delete_network_insights_path(NetworkInsightsPathId=path)
    assert store.all(NetworkInsightsAnalysis) == []
    with refused(
        "InvalidNetworkInsightsPathId.NotFound", f"The networkInsightsPath ID '{path}' does not exist"
    ):
        ec2.start_network_insights_analysis(NetworkInsightsPathId=path)


def test_a_client_token_makes_one_thing(site: Site, ec2: Any) -> None:
    first = site.path(site.a, site.b, ClientToken="t")
    assert site.path(site.a, site.b, ClientToken="t") == first
    with pytest.raises(ClientError, match="IdempotentParameterMismatch"):
        site.path(site.b, site.a, ClientToken="t")
    started = [
        ec2.start_network_insights_analysis(NetworkInsightsPathId=first, ClientToken="u") for _ in range(2)
    ]
    assert len({s["NetworkInsightsAnalysis"]["NetworkInsightsAnalysisId"] for s in started}) == 1


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"Source": "eni-1"}, "InvalidParameterValue"),
        ({"Source": "i-0123456789abcdef0"}, "NotImplemented"),
        ({"Source": "vpce-0123456789abcdef0"}, "NotImplemented"),
        ({"Source": "pcx-0123456789abcdef0"}, "NetworkInsightsSource.NotFound"),
        ({"Destination": "tgw-0123456789abcdef0"}, "NetworkInsightsDestination.NotFound"),
        ({"Destination": None}, "MissingParameter"),
        (
            {"FilterAtDestination": {"SourceAddress": "10.0.0.1"}, "DestinationIp": "10.0.0.2"},
            "InvalidParameterCombination",
        ),
        (
            {"FilterAtSource": {"SourceAddress": "10.0.0.1"}, "DestinationPort": 1},
            "InvalidParameterCombination",
        ),
        ({"FilterAtSource": {"SourcePortRange": {"FromPort": 2, "ToPort": 1}}}, "InvalidParameterValue"),
        ({"DryRun": True}, "DryRunOperation"),
    ],
)
def test_a_path_that_makes_no_sense_is_refused(
    site: Site, ec2: Any, members: dict[str, Any], code: str
) -> None:
    given = {"Source": site.a, "Destination": site.b, "Protocol": "tcp", **members}
    with pytest.raises(ClientError, match=rf"\({code}\)"):
        ec2.create_network_insights_path(**{k: v for k, v in given.items() if v is not None})
    assert ec2.describe_network_insights_paths()["NetworkInsightsPaths"] == []


def test_dry_runs_start_and_delete_nothing(site: Site, ec2: Any) -> None:
    path = site.path(site.a, site.b)
    analysis = site.analyse(path)["NetworkInsightsAnalysisId"]
    dry_runs: list[Callable[[], Any]] = [
        lambda: ec2.start_network_insights_analysis(NetworkInsightsPathId=path, DryRun=True),
        lambda: ec2.delete_network_insights_analysis(NetworkInsightsAnalysisId=analysis, DryRun=True),
        lambda: ec2.describe_network_insights_analyses(DryRun=True),
        lambda: ec2.describe_network_insights_paths(DryRun=True),
    ]
    for dry_run in dry_runs:
        with pytest.raises(ClientError, match="DryRunOperation"):
            dry_run()
    assert len(ec2.describe_network_insights_analyses()["NetworkInsightsAnalyses"]) == 1
