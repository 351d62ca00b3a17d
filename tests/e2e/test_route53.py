"""Names of one's own: a private zone in one VPC only, a public one on the internet, through real clients."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.e2e.harness import ROLE, WAIT, Network, Seawall, register, run_task, wait_for

RESOLVER = "198.19.0.2"  # the internet's


@pytest.fixture(scope="module")
def other_vpc(seawall: Seawall, account: None) -> tuple[str, str]:
    """A second VPC on the same block with both DNS attributes: its public subnet and an open group."""
    ec2 = seawall.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    group = ec2.create_security_group(GroupName="web", Description="web", VpcId=vpc)["GroupId"]
    return str(subnet), str(group)


@pytest.fixture(scope="module")
def look(seawall: Seawall, account: None) -> Callable[..., str]:
    """Run a shell line in a task and return what it printed."""
    role = f"arn:aws:iam::{seawall.running.account}:role/{ROLE}"

    def run(script: str, subnet: str, group: str, **options: Any) -> str:
        definition = register(seawall, "names", role, web={"command": ["/bin/sh", "-c", script]})
        arn = run_task(seawall, subnet, group, family=definition, **options)
        task = wait_for(seawall, "tasks_stopped", arn)
        assert task["stopCode"] == "EssentialContainerExited", task.get("stoppedReason")
        stream = f"ecs/web/{task['taskArn'].rsplit('/', 1)[-1]}"
        logs = seawall.client("logs")
        events = logs.get_log_events(logGroupName="/ecs/myapp", logStreamName=stream, startFromHead=True)
        return "\n".join(event["message"] for event in events["events"])

    return run


def in_sync(seawall: Seawall, change: dict[str, Any]) -> None:
    waiter = seawall.client("route53").get_waiter("resource_record_sets_changed")
    waiter.wait(Id=change["Id"], WaiterConfig=WAIT)


def upsert(name: str, type: str, *values: str) -> dict[str, Any]:
    records = [{"Value": value} for value in values]
    record = {"Name": name, "Type": type, "TTL": 30, "ResourceRecords": records}
    return {"Action": "UPSERT", "ResourceRecordSet": record}


def test_a_private_zone_answers_in_its_vpc_and_no_other(
    seawall: Seawall, network: Network, other_vpc: tuple[str, str], look: Callable[..., str]
) -> None:
    route53 = seawall.client("route53")
    made = route53.create_hosted_zone(
        Name="corp.internal",
        CallerReference="private",
        VPC={"VPCRegion": seawall.running.region, "VPCId": network.vpc},
    )
    changes = [upsert("db.corp.internal", "A", "10.0.7.7"), upsert("*.corp.internal", "A", "10.0.8.8")]
    changed = route53.change_resource_record_sets(
        HostedZoneId=made["HostedZone"]["Id"], ChangeBatch={"Changes": changes}
    )
    in_sync(seawall, changed["ChangeInfo"])
    script = "nslookup -type=a db.corp.internal; nslookup -type=a any.corp.internal; true"
    inside = look(script, network.private, network.group)
    assert "10.0.7.7" in inside
    assert "10.0.8.8" in inside
    subnet, group = other_vpc
    outside = look(script, subnet, group, public=True)
    assert "10.0.7.7" not in outside
    assert "NXDOMAIN" in outside


def test_a_public_zone_made_with_the_cli_answers_on_the_internet(seawall: Seawall) -> None:
    made = seawall.aws_json(
        "route53", "create-hosted-zone", "--name", "shop.test", "--caller-reference", "public"
    )
    zone = made["HostedZone"]["Id"]
    server = made["DelegationSet"]["NameServers"][0]
    batch = {"Changes": [upsert("www.shop.test", "A", "198.18.9.9"), upsert("shop.test", "TXT", '"hello"')]}
    changed = seawall.aws_json(
        *("route53", "change-resource-record-sets", "--hosted-zone-id", zone),
        *("--change-batch", json.dumps(batch)),
    )
    in_sync(seawall, changed["ChangeInfo"])
    waited = seawall.aws(
        "route53", "wait", "resource-record-sets-changed", "--id", changed["ChangeInfo"]["Id"]
    )
    assert waited.returncode == 0, waited.stderr
    found = seawall.internet("busybox", "nslookup", "-type=a", "www.shop.test", RESOLVER)
    assert "198.18.9.9" in found.stdout, found.stdout + found.stderr
    text = seawall.internet("busybox", "nslookup", "-type=txt", "shop.test", RESOLVER)
    assert "hello" in text.stdout, text.stdout + text.stderr
    assert RESOLVER in seawall.internet("busybox", "nslookup", "-type=a", server, RESOLVER).stdout
    refused = seawall.aws("route53", "delete-hosted-zone", "--id", zone)
    assert "HostedZoneNotEmpty" in refused.stderr
    batch["Changes"] = [{**change, "Action": "DELETE"} for change in batch["Changes"]]
    seawall.aws_json(
        *("route53", "change-resource-record-sets", "--hosted-zone-id", zone),
        *("--change-batch", json.dumps(batch)),
    )
    in_sync(seawall, seawall.aws_json("route53", "delete-hosted-zone", "--id", zone)["ChangeInfo"])
    gone = seawall.internet("busybox", "nslookup", "-type=a", "www.shop.test", RESOLVER)
    assert "NXDOMAIN" in gone.stdout + gone.stderr
