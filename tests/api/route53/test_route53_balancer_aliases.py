"""Aliases that lead to load balancers: which are taken, and what they answer."""

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace
from tests.api.route53.test_route53_records import Records, alias, bad, record

from seawall.model.load_balancer import LoadBalancer
from seawall.model.network_interface import NetworkInterface
from seawall.store.store import Store

ALB, NLB = "Z35SXDOTRQ7X7K", "Z26RNL4JYFTOTI"


@pytest.fixture
def records(aws: Callable[..., Any]) -> Records:
    r53 = aws("route53")
    return Records(
        r53, str(r53.create_hosted_zone(Name="example.com.", CallerReference="1")["HostedZone"]["Id"])
    )


@pytest.fixture
def balancer(aws: Callable[..., Any], store: Store) -> LoadBalancer:
    """An active internal one in two zones, whose name is that of DescribeLoadBalancers."""
    ec2 = aws("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{n}.0/24", AvailabilityZone=f"us-east-1{zone}")
        for n, zone in enumerate("ab")
    ]
    ids = [subnet["Subnet"]["SubnetId"] for subnet in subnets]
    aws("elbv2").create_load_balancer(Name="web", Subnets=ids, Scheme="internal")
    (made,) = store.all(LoadBalancer)
    with store.write() as txn:
        txn.put(replace(made, state="active"))
    return made


def test_an_alias_answers_with_the_addresses_of_the_nodes(
    records: Records, balancer: LoadBalancer, store: Store
) -> None:
    records.create(
        alias("", f"dualstack.{balancer.dns_name}", ALB), alias("", balancer.dns_name, ALB, "AAAA")
    )
    answer = records.r53.test_dns_answer(HostedZoneId=records.zone, RecordName="example.com", RecordType="A")
    assert sorted(answer["RecordData"]) == sorted(i.private_ip_address for i in store.all(NetworkInterface))
    six = records.r53.test_dns_answer(HostedZoneId=records.zone, RecordName="example.com", RecordType="AAAA")
    assert (six["ResponseCode"], six["RecordData"]) == ("NOERROR", [])
    assert records.listed()[0]["AliasTarget"]["HostedZoneId"] == ALB
    records.change(("DELETE", alias("", f"dualstack.{balancer.dns_name}", ALB)))


def test_what_is_no_name_of_a_load_balancer_is_refused(records: Records, balancer: LoadBalancer) -> None:
    tried = "Tried to create an alias that targets {}., type {} in zone {}, but {}"
    gone, outside = (
        "gone-1.us-east-1.elb.amazonaws.com",
        "the alias target name does not lie within the target zone",
    )
    missing = "that target was not found"
    assert records.refused(("CREATE", alias("a.", gone, ALB))) == bad(tried.format(gone, "A", ALB, missing))
    assert records.refused(("CREATE", alias("a.", gone, NLB))) == bad(tried.format(gone, "A", NLB, outside))
    name = balancer.dns_name
    assert records.refused(("CREATE", alias("a.", name, ALB, "TXT"))) == bad(
        tried.format(name, "TXT", ALB, missing)
    )


def test_where_the_targets_health_counts_a_failover_follows_it(
    records: Records, balancer: LoadBalancer
) -> None:
    """Its only target group, used by no listener, does not count; so it is well."""
    first = alias("", balancer.dns_name, ALB, SetIdentifier="1", Failover="PRIMARY")
    first["AliasTarget"]["EvaluateTargetHealth"] = True
    second = record("", "A", "192.0.2.9", SetIdentifier="2", Failover="SECONDARY")
    records.create(first, second)
    answer = records.r53.test_dns_answer(HostedZoneId=records.zone, RecordName="example.com", RecordType="A")
    assert "192.0.2.9" not in answer["RecordData"]
