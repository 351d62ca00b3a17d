"""Hosted zones through the real client: made, found, tied to VPCs, tagged, removed."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

ClientMaker = Callable[..., Any]


def refused(call: Any, **params: Any) -> tuple[str, str, int]:
    with pytest.raises(ClientError) as caught:
        call(**params)
    response = caught.value.response
    error = response["Error"]
    return error["Code"], error["Message"], response["ResponseMetadata"]["HTTPStatusCode"]


@pytest.fixture
def r53(aws: ClientMaker) -> Any:
    return aws("route53")


@pytest.fixture
def vpcs(aws: ClientMaker) -> list[str]:
    ec2 = aws("ec2")
    return [ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"] for _ in range(2)]


def vpc(id: str, region: str = "us-east-1") -> dict[str, str]:
    return {"VPCId": id, "VPCRegion": region}


def public(r53: Any, name: str, reference: str = "") -> str:
    return str(r53.create_hosted_zone(Name=name, CallerReference=reference or name)["HostedZone"]["Id"])


def private(r53: Any, name: str, vpc_id: str, reference: str = "") -> str:
    answer = r53.create_hosted_zone(Name=name, CallerReference=reference or name, VPC=vpc(vpc_id))
    return str(answer["HostedZone"]["Id"])


def records(r53: Any, zone: str) -> dict[str, Any]:
    found = r53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    return {record["Type"]: record for record in found}


def test_a_public_zone_is_born_with_servers_and_an_authority(r53: Any) -> None:
    answer = r53.create_hosted_zone(
        Name="Example.COM", CallerReference="1", HostedZoneConfig={"Comment": "first"}
    )
    zone = answer["HostedZone"]
    assert zone["Name"] == "example.com."
    assert zone["Config"] == {"Comment": "first", "PrivateZone": False}
    assert zone["ResourceRecordSetCount"] == 2
    assert zone["Id"].startswith("/hostedzone/Z")
    assert answer["Location"].endswith(zone["Id"])
    assert answer["ChangeInfo"]["Status"] == "PENDING"
    servers = answer["DelegationSet"]["NameServers"]
    assert [server.split(".", 2)[2] for server in servers] == ["com", "net", "org", "co.uk"]
    found = records(r53, zone["Id"])
    assert found["NS"]["TTL"] == 172800
    assert [value["Value"] for value in found["NS"]["ResourceRecords"]] == [f"{s}." for s in servers]
    assert found["SOA"]["TTL"] == 900
    soa = f"{servers[0]}. awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400"
    assert found["SOA"]["ResourceRecords"] == [{"Value": soa}]
    described = r53.get_hosted_zone(Id=zone["Id"])
    assert described["HostedZone"] == zone
    assert described["DelegationSet"]["NameServers"] == servers
    assert "VPCs" not in described


def test_a_private_zone_belongs_to_its_vpc(r53: Any, vpcs: list[str]) -> None:
    answer = r53.create_hosted_zone(Name="corp.internal", CallerReference="1", VPC=vpc(vpcs[0]))
    assert answer["VPC"] == vpc(vpcs[0])
    assert "DelegationSet" not in answer
    described = r53.get_hosted_zone(Id=answer["HostedZone"]["Id"])
    assert described["VPCs"] == [vpc(vpcs[0])]
    assert described["HostedZone"]["Config"]["PrivateZone"] is True
    servers = [r["Value"] for r in records(r53, answer["HostedZone"]["Id"])["NS"]["ResourceRecords"]]
    assert "ns-0.awsdns-00.com." in servers


def test_what_cannot_be_created(r53: Any, vpcs: list[str]) -> None:
    create = r53.create_hosted_zone
    private(r53, "corp.internal", vpcs[0], "taken")
    assert refused(create, Name="other.test", CallerReference="taken") == (
        "HostedZoneAlreadyExists",
        "A hosted zone has already been created with the specified caller reference.",
        409,
    )
    assert refused(create, Name="CORP.internal.", CallerReference="2", VPC=vpc(vpcs[0])) == (
        "ConflictingDomainExists",
        f"The VPC that you chose, {vpcs[0]} in region us-east-1, is already associated with another private"
        " hosted zone that has an overlapping name space, corp.internal..",
        400,
    )
    for wrong in (vpc("vpc-00000000000000000"), vpc(vpcs[0], "eu-west-1"), {"VPCRegion": "us-east-1"}):
        assert refused(create, Name="a.test", CallerReference="3", VPC=wrong) == (
            "InvalidVPCId",
            "The VPC ID is invalid.",
            400,
        )
    for name in ("a..test", "-." + "a" * 64, "a b.test", ".".join(["a" * 60] * 5)):
        code, message, _ = refused(create, Name=name, CallerReference="4")
        assert (code, message.startswith("FATAL problem: ")) == ("InvalidDomainName", True), name
    code, message, _ = refused(
        create, Name="a.test", CallerReference="5", HostedZoneConfig={"PrivateZone": True}
    )
    assert (code, "VPCId and VPCRegion" in message) == ("InvalidInput", True)
    code, _, status = refused(create, Name="a.test", CallerReference="6", DelegationSetId="N1")
    assert (code, status) == ("NotImplemented", 501)
    assert r53.get_hosted_zone_count()["HostedZoneCount"] == 1


def test_two_public_zones_may_share_a_name(r53: Any) -> None:
    assert public(r53, "example.com", "1") != public(r53, "example.com", "2")


def test_a_zone_with_records_of_its_own_stays(r53: Any) -> None:
    zone = public(r53, "example.com")
    change = {
        "Action": "CREATE",
        "ResourceRecordSet": {
            "Name": "a.example.com",
            "Type": "A",
            "TTL": 5,
            "ResourceRecords": [{"Value": "10.0.0.1"}],
        },
    }
    r53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": [change]})
    code, message, _ = refused(r53.delete_hosted_zone, Id=zone)
    assert (code, "non-required resource record sets" in message) == ("HostedZoneNotEmpty", True)
    change["Action"] = "DELETE"
    r53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": [change]})
    change_id = r53.delete_hosted_zone(Id=zone)["ChangeInfo"]["Id"]
    assert r53.get_change(Id=change_id)["ChangeInfo"]["Status"] == "PENDING"
    bare = zone.rsplit("/", 1)[1]
    missing = ("NoSuchHostedZone", f"No hosted zone found with ID: {bare}", 404)
    assert refused(r53.get_hosted_zone, Id=zone) == missing
    assert refused(r53.delete_hosted_zone, Id=zone) == missing
    assert refused(r53.list_resource_record_sets, HostedZoneId=zone) == missing


def test_comments(r53: Any) -> None:
    zone = public(r53, "example.com")
    assert r53.update_hosted_zone_comment(Id=zone, Comment="new")["HostedZone"]["Config"]["Comment"] == "new"
    assert "Comment" not in r53.update_hosted_zone_comment(Id=zone)["HostedZone"]["Config"]


def test_vpcs_come_and_go_but_for_the_last(r53: Any, vpcs: list[str]) -> None:
    first, second = vpcs
    zone, other = private(r53, "a.test", first), private(r53, "a.test", second, "other")
    code, _, _ = refused(r53.associate_vpc_with_hosted_zone, HostedZoneId=zone, VPC=vpc(second))
    assert code == "ConflictingDomainExists"
    assert refused(r53.disassociate_vpc_from_hosted_zone, HostedZoneId=other, VPC=vpc(second))[0] == (
        "LastVPCAssociation"
    )
    r53.delete_hosted_zone(Id=other)
    info = r53.associate_vpc_with_hosted_zone(HostedZoneId=zone, VPC=vpc(second), Comment="both")
    assert info["ChangeInfo"]["Comment"] == "both"
    assert len(r53.get_hosted_zone(Id=zone)["VPCs"]) == 2
    r53.disassociate_vpc_from_hosted_zone(HostedZoneId=zone, VPC=vpc(first))
    assert r53.get_hosted_zone(Id=zone)["VPCs"] == [vpc(second)]
    code, _, status = refused(r53.disassociate_vpc_from_hosted_zone, HostedZoneId=zone, VPC=vpc(first))
    assert (code, status) == ("VPCAssociationNotFound", 404)
    code, _, _ = refused(
        r53.associate_vpc_with_hosted_zone, HostedZoneId=public(r53, "b.test"), VPC=vpc(first)
    )
    assert code == "PublicZoneVPCAssociation"


def test_zones_by_vpc(r53: Any, vpcs: list[str]) -> None:
    made = {private(r53, name, vpcs[0]).rsplit("/", 1)[1]: name for name in ("a.test", "b.test", "c.test")}
    private(r53, "d.test", vpcs[1])
    seen, token = {}, {}
    while True:
        page = r53.list_hosted_zones_by_vpc(VPCId=vpcs[0], VPCRegion="us-east-1", MaxItems="2", **token)
        for summary in page["HostedZoneSummaries"]:
            assert summary["Owner"] == {"OwningAccount": "123456789012"}
            seen[summary["HostedZoneId"]] = summary["Name"].rstrip(".")
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert seen == made
    code, _, _ = refused(
        r53.list_hosted_zones_by_vpc, VPCId=vpcs[0], VPCRegion="us-east-1", NextToken="nonsense"
    )
    assert code == "InvalidPaginationToken"


def test_zones_page_by_page(r53: Any, vpcs: list[str]) -> None:
    made = {public(r53, f"z{n}.test") for n in range(5)}
    secret = private(r53, "private.test", vpcs[0])
    pages = list(r53.get_paginator("list_hosted_zones").paginate(PaginationConfig={"PageSize": 2}))
    assert [len(page["HostedZones"]) for page in pages] == [2, 2, 2]
    assert {zone["Id"] for page in pages for zone in page["HostedZones"]} == made | {secret}
    only = r53.list_hosted_zones(HostedZoneType="PrivateHostedZone")
    assert [zone["Id"] for zone in only["HostedZones"]] == [secret]
    assert only["MaxItems"] == "100"
    assert refused(r53.list_hosted_zones, MaxItems="many")[0] == "InvalidInput"


def test_zones_by_name_from_right_to_left(r53: Any) -> None:
    for name in ("example.com", "a.example.com", "b.org", "zz.com", "example.net"):
        public(r53, name)
    listed = r53.list_hosted_zones_by_name()["HostedZones"]
    assert [z["Name"] for z in listed] == [
        "example.com.",
        "a.example.com.",
        "zz.com.",
        "example.net.",
        "b.org.",
    ]
    page = r53.list_hosted_zones_by_name(DNSName="a.example.com", MaxItems="1")
    assert [z["Name"] for z in page["HostedZones"]] == ["a.example.com."]
    assert (page["DNSName"], page["NextDNSName"], page["IsTruncated"]) == ("a.example.com.", "zz.com.", True)
    rest = r53.list_hosted_zones_by_name(DNSName=page["NextDNSName"], HostedZoneId=page["NextHostedZoneId"])
    assert len(rest["HostedZones"]) == 3


def test_tags(r53: Any) -> None:
    zone = public(r53, "example.com").rsplit("/", 1)[1]
    named = {"ResourceType": "hostedzone", "ResourceId": zone}
    tags = [{"Key": "team", "Value": "a"}, {"Key": "stage", "Value": "b"}]
    r53.change_tags_for_resource(**named, AddTags=tags)
    r53.change_tags_for_resource(**named, AddTags=[{"Key": "team", "Value": "c"}], RemoveTagKeys=["stage"])
    expected = {"ResourceType": "hostedzone", "ResourceId": zone, "Tags": [{"Key": "team", "Value": "c"}]}
    assert r53.list_tags_for_resource(**named)["ResourceTagSet"] == expected
    listed = r53.list_tags_for_resources(ResourceType="hostedzone", ResourceIds=[zone])
    assert listed["ResourceTagSets"] == [expected]
    code, _, status = refused(r53.list_tags_for_resource, ResourceType="healthcheck", ResourceId="x")
    assert (code, status) == ("NoSuchHealthCheck", 404)


def test_changes_can_be_asked_about(r53: Any, clock: Any) -> None:
    change = r53.create_hosted_zone(Name="a.test", CallerReference="1")["ChangeInfo"]
    assert change["SubmittedAt"] == clock()
    assert r53.get_change(Id=change["Id"])["ChangeInfo"] == change
    assert refused(r53.get_change, Id="C123")[::2] == ("NoSuchChange", 404)


def test_nothing_is_signed(r53: Any, vpcs: list[str]) -> None:
    answer = r53.get_dnssec(HostedZoneId=public(r53, "a.test"))
    assert answer["Status"]["ServeSignature"] == "NOT_SIGNING"
    assert refused(r53.get_dnssec, HostedZoneId=private(r53, "b.test", vpcs[0]))[0] == "InvalidArgument"
