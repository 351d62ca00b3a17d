"""Change batches: what they do, and what they are refused for."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

ZONE = "example.com."


@pytest.fixture
def r53(aws: Callable[..., Any]) -> Any:
    return aws("route53")


@pytest.fixture
def zone(r53: Any) -> str:
    return str(r53.create_hosted_zone(Name=ZONE, CallerReference="1")["HostedZone"]["Id"])


def record(name: str, type: str = "A", *values: str, **members: Any) -> dict[str, Any]:
    given = {"TTL": 60, "ResourceRecords": [{"Value": value} for value in values]} if values else {}
    return {"Name": f"{name}example.com", "Type": type, **given, **members}


def alias(name: str, target: str, zone: str, type: str = "A", **members: Any) -> dict[str, Any]:
    where = {"HostedZoneId": zone.rsplit("/", 1)[-1], "DNSName": target, "EvaluateTargetHealth": False}
    return record(name, type, AliasTarget=where, **members)


class Records:
    """Batches of one zone, short to write."""

    def __init__(self, r53: Any, zone: str) -> None:
        self.r53, self.zone = r53, zone

    def change(self, *changes: tuple[str, dict[str, Any]]) -> Any:
        batch = {"Changes": [{"Action": action, "ResourceRecordSet": each} for action, each in changes]}
        return self.r53.change_resource_record_sets(HostedZoneId=self.zone, ChangeBatch=batch)["ChangeInfo"]

    def create(self, *records: dict[str, Any]) -> Any:
        return self.change(*(("CREATE", each) for each in records))

    def refused(self, *changes: tuple[str, dict[str, Any]]) -> tuple[str, str]:
        before = self.listed()
        with pytest.raises(ClientError) as caught:
            self.change(*changes)
        assert self.listed() == before  # nothing of it happened
        return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]

    def listed(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.r53.list_resource_record_sets(HostedZoneId=self.zone)[
            "ResourceRecordSets"
        ]
        return [each for each in found if (each["Name"], each["Type"]) not in ((ZONE, "NS"), (ZONE, "SOA"))]


@pytest.fixture
def records(r53: Any, zone: str) -> Records:
    return Records(r53, zone)


def bad(*faults: str) -> tuple[str, str]:
    return "InvalidChangeBatch", f"[{', '.join(faults)}]"


def test_create_upsert_delete(records: Records) -> None:
    info = records.create(record("WWW.", "A", "10.0.0.1"))
    assert info["Id"].startswith("/change/C")
    stored = {"Name": "www.example.com.", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "10.0.0.1"}]}
    assert records.listed() == [stored]
    records.change(
        ("UPSERT", record("www.", "A", "10.0.0.2", TTL=5)), ("UPSERT", record("b.", "A", "10.0.0.3"))
    )
    assert [each["TTL"] for each in records.listed()] == [60, 5]
    records.change(
        ("DELETE", record("www.", "A", "10.0.0.2", TTL=5)), ("DELETE", record("b.", "A", "10.0.0.3"))
    )
    assert records.listed() == []


def test_what_a_batch_is_refused_for_comes_all_at_once(records: Records) -> None:
    records.create(record("a.", "A", "10.0.0.1"))
    assert records.refused(
        ("CREATE", record("new.", "A", "10.0.0.9")),
        ("CREATE", record("a.", "A", "10.0.0.2")),
        ("DELETE", record("b.", "A", "10.0.0.1")),
        ("DELETE", record("a.", "A", "10.0.0.1", TTL=61)),
    ) == bad(
        "Tried to create resource record set [name='a.example.com.', type='A'] but it already exists",
        "Tried to delete resource record set [name='b.example.com.', type='A'] but it was not found",
        "Tried to delete resource record set [name='a.example.com.', type='A'] but the values provided do not"
        " match the current values",
    )


def test_changes_of_a_batch_follow_one_another(records: Records) -> None:
    records.create(record("a.", "CNAME", "b.test"))
    records.change(("CREATE", record("a.", "A", "10.0.0.1")), ("DELETE", record("a.", "CNAME", "b.test")))
    assert [each["Type"] for each in records.listed()] == ["A"]


@pytest.mark.parametrize(
    ("type", "value", "fault"),
    [
        ("A", "10.0.0", "ARRDATAIllegalIPv4Address (Value is not a valid IPv4 address)"),
        ("A", "010.0.0.1", "ARRDATAIllegalIPv4Address (Value is not a valid IPv4 address)"),
        ("AAAA", "10.0.0.1", "AAAARRDATAIllegalIPv6Address (Value is not a valid IPv6 address)"),
        ("AAAA", "fe80::1%1", "AAAARRDATAIllegalIPv6Address (Value is not a valid IPv6 address)"),
        ("TXT", "plain", "InvalidCharacterString (Value should be enclosed in quotation marks)"),
        ("TXT", '"a""b"', "InvalidCharacterString (Value should be enclosed in quotation marks)"),
        ("TXT", f'"{"x" * 256}"', "CharacterStringTooLong (Value is too long)"),
        ("MX", "mail.test", "MXRRDATANotTwoFields (MX record doesn't have 2 fields)"),
        ("SRV", "1 2 web.test", "SRVRRDATANotFourFields (SRV record doesn't have 4 fields)"),
        ("SRV", "1 2 port web.test", "SRVRRDATAInvalid (Value is not valid for a SRV record)"),
        ("CNAME", "a..b", "DomainLabelEmpty (Domain label is empty)"),
        ("CNAME", "a b", "CNAMERRDATANotSingleField (Value contains spaces)"),
        ("CAA", "0 issue", "CAARRDATANotThreeFields (CAA record doesn't have 3 fields)"),
        ("DS", "nonsense", "DSRRDATAInvalid (Value is not valid for a DS record)"),
    ],
)
def test_values_are_of_their_type(records: Records, type: str, value: str, fault: str) -> None:
    assert records.refused(("CREATE", record("x.", type, value))) == bad(
        f"Invalid Resource Record: FATAL problem: {fault} encountered with '{value}'"
    )


GOOD = {
    "A": "10.0.0.1",
    "AAAA": "2001:db8::1",
    "TXT": f'"one" "{"x" * 255}" "\\"quoted\\" \\344"',
    "SPF": '"v=spf1 -all"',
    "MX": "10 mail.test",
    "SRV": "1 2 80 web.test",
    "NS": "ns.test",
    "PTR": "host.test",
    "CAA": '0 issue "ca.test; a=b"',
    "NAPTR": '10 100 "U" "SIP+D2U" "!^.*$!sip:info@bar.example.com!" .',
    "DS": "12345 8 2 " + "ab" * 32,
    "TLSA": "3 1 1 " + "ab" * 32,
    "SSHFP": "1 1 " + "ab" * 20,
    "HTTPS": "1 . alpn=h2",
    "SVCB": "1 svc.test. port=8443",
}


@pytest.mark.parametrize("type", GOOD)
def test_values_come_back_as_they_went_in(records: Records, type: str) -> None:
    records.create(record("x.", type, GOOD[type]))
    assert records.listed()[0]["ResourceRecords"] == [{"Value": GOOD[type]}]


def test_a_value_stands_once(records: Records) -> None:
    assert records.refused(("CREATE", record("x.", "A", "10.0.0.1", "10.0.0.1"))) == bad(
        "Duplicate Resource Record: '10.0.0.1'"
    )


def test_names_lie_in_the_zone(records: Records) -> None:
    assert records.refused(("CREATE", record("x.other", "A", "10.0.0.1"))) == bad(
        "RRSet with DNS name x.otherexample.com. is not permitted in zone example.com."
    )


def test_a_cname_stands_alone_and_not_at_the_top(records: Records) -> None:
    assert records.refused(("CREATE", record("", "CNAME", "b.test"))) == bad(
        "RRSet of type CNAME with DNS name example.com. is not permitted at apex in zone example.com."
    )
    records.create(record("c.", "CNAME", "b.test"), record("a.", "A", "10.0.0.1"))
    said = (
        "RRSet of type {} with DNS name {} is not permitted because a conflicting RRSet of type {} with the"
        " same DNS name already exists in zone example.com."
    )
    assert records.refused(("CREATE", record("c.", "A", "10.0.0.1"))) == bad(
        said.format("A", "c.example.com.", "CNAME")
    )
    assert records.refused(("CREATE", record("a.", "CNAME", "b.test"))) == bad(
        said.format("CNAME", "a.example.com.", "A")
    )


def test_a_zone_keeps_its_servers_and_its_authority(records: Records, r53: Any) -> None:
    found = r53.list_resource_record_sets(HostedZoneId=records.zone)["ResourceRecordSets"]
    ns, soa = found
    assert records.refused(("DELETE", ns)) == bad(
        "A HostedZone must contain at least one NS record for the zone itself."
    )
    assert records.refused(("DELETE", soa)) == bad("A HostedZone must contain exactly one SOA record.")
    records.change(("UPSERT", {**soa, "TTL": 60}))
    assert records.refused(("CREATE", record("x.", "SOA", soa["ResourceRecords"][0]["Value"])))[0] == (
        "InvalidChangeBatch"
    )


def test_names_with_escapes(records: Records) -> None:
    records.create(record("*.", "A", "10.0.0.1"), record(r"a\057b_c-d.", "A", "10.0.0.2"))
    names = [each["Name"] for each in records.listed()]
    assert names == ["\\052.example.com.", "a\\057b_c-d.example.com."]
    records.change(("DELETE", record("\\052.", "A", "10.0.0.1")))
    assert len(records.listed()) == 1


def test_weighted_sets(records: Records) -> None:
    one, two = (record("w.", "A", f"10.0.0.{n}", SetIdentifier=f"s{n}", Weight=n) for n in (1, 2))
    records.create(one, two)
    assert [(each["SetIdentifier"], each["Weight"]) for each in records.listed()] == [("s1", 1), ("s2", 2)]
    what = "RRSet with DNS name w.example.com., type A"
    assert records.refused(("CREATE", record("w.", "A", "10.0.0.9"))) == bad(
        f"{what} cannot be created as other RRSets exist with the same name and type."
    )
    third = record("w.", "A", "10.0.0.3", SetIdentifier="s3")
    assert records.refused(("CREATE", {**third, "Weight": 1, "TTL": 5})) == bad(
        f"{what}, SetIdentifier s3 cannot be created as weighted sets must contain the same TTL."
    )
    assert records.refused(("CREATE", {**third, "Failover": "PRIMARY"})) == bad(
        f"{what}, SetIdentifier s3 cannot be created as a non-failover set exists with the same name and"
        " type."
    )
    assert records.refused(("CREATE", {**third, "Weight": 256}))[0] == "InvalidInput"
    where = "[Action=CREATE, Name=w.example.com, Type=A, SetIdentifier=s3]"
    assert records.refused(("CREATE", third)) == (
        "InvalidInput",
        "Invalid request: Expected exactly one of [Weight, Region, Failover, GeoLocation, or"
        f" MultiValueAnswer], but found none in Change with {where}",
    )
    assert records.refused(("CREATE", record("v.", "A", "10.0.0.1", Weight=1))) == (
        "InvalidInput",
        "Invalid request: Missing field 'SetIdentifier' in Change with [Action=CREATE,"
        " Name=v.example.com, Type=A, SetIdentifier=null]",
    )
    records.change(("DELETE", one))
    assert len(records.listed()) == 1


def test_failover_and_multivalue_sets(records: Records) -> None:
    first = record("f.", "A", "10.0.0.1", SetIdentifier="1", Failover="PRIMARY")
    records.create(first, record("f.", "A", "10.0.0.2", SetIdentifier="2", Failover="SECONDARY"))
    assert records.refused(("CREATE", {**first, "SetIdentifier": "3"}))[0] == "InvalidChangeBatch"
    for n in range(3):
        records.create(record("m.", "A", f"10.0.0.{n}", SetIdentifier=str(n), MultiValueAnswer=True))
    assert len(records.listed()) == 5
    many = {"SetIdentifier": "x", "MultiValueAnswer": True}
    assert records.refused(("CREATE", record("c.", "CNAME", "a.test", **many)))[0] == "InvalidChangeBatch"


@pytest.mark.parametrize(
    ("members", "word"),
    [
        ({"SetIdentifier": "x", "Region": "us-east-1"}, "Region"),
        ({"SetIdentifier": "x", "GeoLocation": {"CountryCode": "DE"}}, "GeoLocation"),
    ],
)
def test_what_seawall_does_not_route_by(records: Records, members: dict[str, Any], word: str) -> None:
    code, message = records.refused(("CREATE", record("x.", "A", "10.0.0.1", **members)))
    assert (code, word in message) == ("NotImplemented", True)


def test_aliases_lead_to_records_of_the_zone(records: Records, r53: Any) -> None:
    bare = records.zone.rsplit("/", 1)[1]
    records.create(record("web.", "A", "10.0.0.1"), alias("", "Web.example.com", records.zone))
    assert records.listed()[0]["AliasTarget"] == {
        "HostedZoneId": bare,
        "DNSName": "web.example.com.",
        "EvaluateTargetHealth": False,
    }
    tried = "Tried to create an alias that targets {}, type {} in zone {}, but {}"
    assert records.refused(("CREATE", alias("a.", "gone.example.com", bare))) == bad(
        tried.format("gone.example.com.", "A", bare, "that target was not found")
    )
    assert (
        records.refused(("CREATE", alias("a.", "web.example.com", bare, "AAAA")))[0] == "InvalidChangeBatch"
    )
    outside = "the alias target name does not lie within the target zone"
    assert records.refused(("CREATE", alias("a.", "web.test", bare))) == bad(
        tried.format("web.test.", "A", bare, outside)
    )
    other = r53.create_hosted_zone(Name="web.test", CallerReference="2")["HostedZone"]["Id"]
    assert records.refused(("CREATE", alias("a.", "web.test", other)))[0] == "InvalidChangeBatch"
    distribution = "d1.cloudfront.net"
    code, message = records.refused(("CREATE", alias("a.", distribution, "Z2FDTNDATAQYW2")))
    assert (code, "Z2FDTNDATAQYW2" in message) == ("NotImplemented", True)


def test_a_record_set_is_an_alias_or_has_values(records: Records) -> None:
    expected = "Invalid request: Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords], or"
    where = "in Change with [Action=CREATE, Name=a.example.com, Type=A, SetIdentifier=null]"
    both = {**alias("a.", "b.example.com", records.zone), "TTL": 5}
    assert records.refused(("CREATE", both)) == (
        "InvalidInput",
        f"{expected} TrafficPolicyInstanceId], but found more than one {where}",
    )
    assert records.refused(("CREATE", record("a."))) == (
        "InvalidInput",
        f"{expected} TrafficPolicyInstanceId], but found none {where}",
    )
    assert records.refused(("CREATE", record("a.", TTL=5))) == (
        "InvalidInput",
        f"Invalid request: Missing field 'ResourceRecords' {where}",
    )


def test_a_batch_has_its_limits(records: Records) -> None:
    many = [("CREATE", record(f"r{n}.", "A", "10.0.0.1")) for n in range(1001)]
    assert records.refused(*many) == bad("Number of records limit of 1000 exceeded.")
    twice = [("UPSERT", record(f"r{n}.", "A", "10.0.0.1")) for n in range(501)]
    assert records.refused(*twice) == bad("Number of records limit of 1000 exceeded.")
    records.change(*many[:1000])
    long = [("CREATE", record(f"t{n}.", "TXT", f'"{"x" * 250}"')) for n in range(130)]
    assert records.refused(*long) == bad("Number of characters limit of 32000 exceeded.")


def test_listing_goes_by_name_from_right_to_left_then_type(records: Records, r53: Any) -> None:
    names = ("b.", "a.b.", "c.", "z.a.")
    records.create(
        *(record(name, type, value) for name in names for type, value in (("TXT", '"x"'), ("A", "10.0.0.1")))
    )
    expected = [(f"{n}example.com.", t) for n in ("z.a.", "b.", "a.b.", "c.") for t in ("A", "TXT")]
    assert [(each["Name"], each["Type"]) for each in records.listed()] == expected
    pages = list(
        r53.get_paginator("list_resource_record_sets").paginate(
            HostedZoneId=records.zone, PaginationConfig={"PageSize": 3}
        )
    )
    assert [len(page["ResourceRecordSets"]) for page in pages] == [3, 3, 3, 1]
    found = [(r["Name"], r["Type"]) for page in pages for r in page["ResourceRecordSets"]]
    assert found == [("example.com.", "NS"), ("example.com.", "SOA"), *expected]
    start = r53.list_resource_record_sets(
        HostedZoneId=records.zone, StartRecordName="b.example.com", StartRecordType="TXT", MaxItems="1"
    )
    assert start["ResourceRecordSets"][0]["Name"] == "b.example.com."
    assert (start["NextRecordName"], start["NextRecordType"]) == ("a.b.example.com.", "A")
    with pytest.raises(ClientError, match="InvalidInput"):
        r53.list_resource_record_sets(HostedZoneId=records.zone, StartRecordType="A")


def test_what_would_be_answered(records: Records, r53: Any) -> None:
    records.create(
        record("*.", "A", "10.0.0.1"),
        record("a.b.", "A", "10.0.0.2"),
        record("p.", "A", "10.0.0.3", SetIdentifier="1", Failover="PRIMARY"),
        record("p.", "A", "10.0.0.4", SetIdentifier="2", Failover="SECONDARY"),
        record("w.", "A", "10.0.0.5", SetIdentifier="1", Weight=0),
        record("w.", "A", "10.0.0.6", SetIdentifier="2", Weight=1),
        alias("al.", "a.b.example.com", records.zone),
        record("c.", "CNAME", "elsewhere.test"),
    )

    def answer(name: str, type: str = "A") -> tuple[str, list[str]]:
        said = r53.test_dns_answer(
            HostedZoneId=records.zone, RecordName=f"{name}example.com", RecordType=type
        )
        assert said["Protocol"] == "UDP"
        return said["ResponseCode"], said["RecordData"]

    assert answer("any.") == ("NOERROR", ["10.0.0.1"])
    assert answer("b.") == ("NOERROR", [])  # it exists because a name stands below it
    assert answer("x.b.") == ("NXDOMAIN", [])
    assert answer("p.") == ("NOERROR", ["10.0.0.3"])
    assert answer("w.") == ("NOERROR", ["10.0.0.6"])
    assert answer("al.") == ("NOERROR", ["10.0.0.2"])
    assert answer("c.") == ("NOERROR", ["elsewhere.test"])
    assert answer("c.", "AAAA") == ("NOERROR", ["elsewhere.test"])
    assert len(answer("", "NS")[1]) == 4
