"""Whatever a record set is let in with, resolvers can read it: one bad record would silence its zone."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seawall.compile.hosted_zones import hosted_zones
from seawall.compile.network.snapshot import NetworkSnapshot
from seawall.host.dns.zone import Zone
from seawall.model.hosted_zone import HostedZone, RecordSet
from seawall.store.store import Store

GOOD = {
    "A": "10.0.0.1",
    "AAAA": "2001:db8::1",
    "CNAME": "a.test",
    "TXT": '"one" "two"',
    "SPF": '"v=spf1 -all"',
    "MX": "10 mail.test",
    "SRV": "1 2 80 web.test",
    "NS": "ns.test",
    "SOA": "ns. admin. 1 2 3 4 5",
    "PTR": "host.test",
    "CAA": '0 issue "ca.test"',
    "NAPTR": '10 100 "U" "SIP" "!^.*$!sip:info!" .',
    "DS": "12345 8 2 " + "ab" * 32,
    "HTTPS": "1 . alpn=h2",
}
WORDS = st.sampled_from(
    [
        *("10.0.0.1", "::1", "a.test", "a.test.", "*.test", "\\052.test", "0", "10", "65536", "-1", ".", "@"),
        *(
            '"text"',
            '"\\"',
            '"\\344"',
            '"\\9"',
            '"\\400"',
            "issue",
            '"ca.test"',
            "\\",
            "é",
            "a..b",
            "1.",
            "(",
            ";",
        ),
        *("ns. admin. 1 2 3 4 5", "alpn=h2", "ab" * 32, "x" * 64, "$INCLUDE", "\t", "\\# 1 00", "8", "2"),
    ]
)
NAMES = st.lists(
    st.sampled_from(["a", "*", "\\052", "_x", "\\056", "x" * 63, "A-", "\\000", "\\\\", "!", "@", ""]),
    max_size=4,
).map(lambda labels: ".".join([*labels, "example.com"]))
ROUTING = st.sampled_from(
    [
        {},
        {},
        {"SetIdentifier": "a", "Weight": 0},
        {"SetIdentifier": "b", "Weight": 3},
        {"SetIdentifier": "c", "Failover": "SECONDARY"},
        {"SetIdentifier": "d", "MultiValueAnswer": True},
    ]
)


@st.composite
def values(draw: st.DrawFn, type: str) -> str:
    """A good value, of which any words may be others."""
    words = GOOD[type].split()
    for place in draw(st.sets(st.integers(0, len(words) - 1), max_size=2)):
        words[place] = draw(st.one_of(WORDS, st.text(max_size=6)))
    return draw(st.sampled_from([" ", " ", "  ", "\t"])).join(words)


@st.composite
def changes(draw: st.DrawFn) -> dict[str, Any]:
    type = draw(st.sampled_from(sorted(GOOD)))
    record = {
        "Name": draw(NAMES),
        "Type": type,
        "TTL": draw(st.sampled_from([0, 60, 2147483647])),
        "ResourceRecords": [
            {"Value": value} for value in draw(st.lists(values(type), min_size=1, max_size=2))
        ],
        **draw(ROUTING),
    }
    return {"Action": draw(st.sampled_from(["CREATE", "UPSERT"])), "ResourceRecordSet": record}


@pytest.mark.thorough
@pytest.mark.timeout(120)
def test_what_is_let_in_can_be_served(aws: Callable[..., Any], store: Store) -> None:
    route53 = aws("route53")
    zone_id = route53.create_hosted_zone(Name="example.com", CallerReference="1")["HostedZone"]["Id"]
    let_in: list[str] = []

    @settings(
        max_examples=600,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(changes(), min_size=1, max_size=1))
    def examples(batch: list[dict[str, Any]]) -> None:
        try:
            route53.change_resource_record_sets(HostedZoneId=zone_id, ChangeBatch={"Changes": batch})
        except ClientError as error:
            assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 400, batch
            return
        let_in.extend(change["ResourceRecordSet"]["Type"] for change in batch)
        snapshot = NetworkSnapshot(
            region="us-east-1",
            account="1",
            hosted_zones=tuple(store.all(HostedZone)),
            record_sets=tuple(store.all(RecordSet)),
        )
        (compiled,) = hosted_zones(snapshot, {}).values()
        assert Zone(compiled).nodes

    examples()
    assert set(let_in) >= GOOD.keys() - {"SOA"}
