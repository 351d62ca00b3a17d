"""Zones, record sets and chains of names, without any socket."""

from collections import Counter
from collections.abc import Iterable

import dns.name
import dns.rdatatype
import pytest

from seawall.host.dns.message import NOERROR, NXDOMAIN, SERVFAIL, SOA
from seawall.host.dns.names import Answer, Names
from seawall.host.dns.zone import Zone
from seawall.program.network import AddressNames, NameRecord, NameZone

AUTHORITY = "ns.test. admin.test. 1 7200 900 1209600 300"


def zone(name: str, *records: NameRecord, id: str = "", **members: object) -> Zone:
    return Zone(NameZone(id=id or name, name=name, soa=AUTHORITY, records=records, **members))  # type: ignore[arg-type]


def record(name: str, type: str, *values: str, **members: object) -> NameRecord:
    return NameRecord(name=name, type=type, values=values, **members)  # type: ignore[arg-type]


def ask(names: Names, name: str, type: str = "A") -> Answer:
    return names.answer(dns.name.from_text(name).to_wire().lower(), int(dns.rdatatype.from_text(type)))  # type: ignore[union-attr]


def told(answer: Answer) -> list[str]:
    """The data of an answer as text, in order."""
    found = []
    for owner, type, ttl, data in answer.records:
        value = dns.rdata.from_wire("IN", type, data, 0, len(data))
        name = dns.name.from_wire(owner, 0)[0].to_text(omit_final_dot=True)
        found.append(f"{name} {ttl} {dns.rdatatype.to_text(type)} {value}")
    return found


def only(*zones: Zone) -> Names:
    return Names([zones])


def data(answers: Iterable[Answer]) -> Counter[str]:
    return Counter(line.split(" ", 3)[3] for answer in answers for line in told(answer))


EXAMPLE = (  # the zone of RFC 4592 section 2.2.1
    record("*.example", "TXT", '"this is a wildcard"'),
    record("*.example", "MX", "10 host1.example."),
    record("sub.*.example", "TXT", '"this is not a wildcard"'),
    record("host1.example", "A", "192.0.2.1"),
    record("_ssh._tcp.host1.example", "SRV", "0 0 22 host1.example."),
    record("_ssh._tcp.host2.example", "SRV", "0 0 22 host2.example."),
    record("subdel.example", "NS", "ns.example.com.", "ns.example.net."),
)


@pytest.mark.parametrize(
    ("name", "type", "rcode", "values"),
    [  # the answers of RFC 4592 section 2.2.1
        ("host3.example", "MX", NOERROR, ["host3.example 60 MX 10 host1.example."]),
        ("host3.example", "A", NOERROR, []),
        ("foo.bar.example", "TXT", NOERROR, ['foo.bar.example 60 TXT "this is a wildcard"']),
        ("host1.example", "MX", NOERROR, []),
        ("sub.*.example", "MX", NOERROR, []),
        ("_telnet._tcp.host1.example", "SRV", NXDOMAIN, []),
        ("ghost.*.example", "MX", NXDOMAIN, []),
        ("_tcp.host1.example", "A", NOERROR, []),
        ("*.example", "TXT", NOERROR, ['*.example 60 TXT "this is a wildcard"']),
    ],
)
def test_wildcards_of_the_rfc(name: str, type: str, rcode: int, values: list[str]) -> None:
    answer = ask(only(zone("example", *EXAMPLE)), name, type)
    assert (answer.rcode, told(answer)) == (rcode, values)
    assert (answer.authority is None) == bool(values)


def test_a_delegated_name_lies_elsewhere_unless_the_zone_does_not_delegate() -> None:
    answer = ask(only(zone("example", *EXAMPLE, delegates=True)), "host.subdel.example")
    assert (answer.rcode, answer.elsewhere) == (SERVFAIL, b"\x04host\x06subdel\x07example\0")
    assert ask(only(zone("example", *EXAMPLE)), "host.subdel.example", "TXT").rcode == NXDOMAIN
    assert len(ask(only(zone("example", *EXAMPLE)), "subdel.example", "NS").records) == 2


def test_the_smallest_zone_answers_and_lets_nothing_through() -> None:
    wide = zone(
        "corp.test", record("a.corp.test", "A", "10.0.0.1"), record("x.dev.corp.test", "A", "10.0.0.2")
    )
    narrow = zone("dev.corp.test", record("y.dev.corp.test", "A", "10.0.0.3"))
    outside = zone("test", record("z.corp.test", "A", "10.0.0.4"), record("b.test", "A", "10.0.0.5"))
    names = Names([[wide, narrow], [outside]])
    assert told(ask(names, "y.dev.corp.test")) == ["y.dev.corp.test 60 A 10.0.0.3"]
    hidden = ask(names, "x.dev.corp.test")
    assert hidden.rcode == NXDOMAIN
    assert hidden.authority is not None
    assert (hidden.authority.owner, hidden.authority.type, hidden.authority.ttl) == (narrow.apex, SOA, 300)
    assert ask(names, "z.corp.test").rcode == NXDOMAIN  # the public zone is not asked
    assert told(ask(names, "b.test")) == ["b.test 60 A 10.0.0.5"]
    assert ask(names, "nowhere").rcode == NXDOMAIN


def test_a_name_of_a_group_before_hides_smaller_zones_after() -> None:
    private = zone("com", record("a.com", "A", "10.0.0.1"))
    public = zone("example.com", record("www.example.com", "A", "198.18.0.1"))
    assert ask(Names([[private], [public]]), "www.example.com").rcode == NXDOMAIN


def test_chains_of_names_cross_zones() -> None:
    inner = zone(
        "in.test",
        record("www.in.test", "CNAME", "Front.Out.test.", ttl=30),
        record("loop.in.test", "CNAME", "loop.in.test."),
        record("lost.in.test", "CNAME", "nobody.out.test."),
        record("far.in.test", "CNAME", "example.org."),
    )
    outer = zone("out.test", record("front.out.test", "A", "10.1.0.1", ttl=5))
    names = only(inner, outer)
    assert told(ask(names, "www.in.test")) == [
        "www.in.test 30 CNAME Front.Out.test.",
        "front.out.test 5 A 10.1.0.1",
    ]
    assert told(ask(names, "www.in.test", "CNAME")) == ["www.in.test 30 CNAME Front.Out.test."]
    missing = ask(names, "www.in.test", "AAAA")
    assert (missing.rcode, len(missing.records)) == (NOERROR, 1)
    assert missing.authority is not None
    assert missing.authority.owner == outer.apex
    assert ask(names, "loop.in.test").rcode == SERVFAIL
    lost = ask(names, "lost.in.test")
    assert (lost.rcode, lost.elsewhere, len(lost.records)) == (NXDOMAIN, None, 1)
    assert ask(names, "far.in.test").elsewhere == b"\x07example\x03org\0"


def test_weights_are_proportions_and_nothing_at_zero() -> None:
    names = only(
        zone(
            "w.test",
            record("a.w.test", "A", "10.0.0.1", weight=3),
            record("a.w.test", "A", "10.0.0.2", weight=1),
            record("a.w.test", "A", "10.0.0.3", weight=0),
            record("b.w.test", "A", "10.0.0.4", weight=0),
            record("b.w.test", "A", "10.0.0.5", weight=0),
        )
    )
    counts = data(ask(names, "a.w.test") for _ in range(4000))
    assert set(counts) == {"10.0.0.1", "10.0.0.2"}
    assert 2800 < counts["10.0.0.1"] < 3200  # 7 standard deviations around 3000
    even = data(ask(names, "b.w.test") for _ in range(1000))
    assert min(even["10.0.0.4"], even["10.0.0.5"]) > 380


def test_sets_without_weights_give_eight_of_all_their_values() -> None:
    many = [record("m.test", "A", f"10.0.0.{n}", ttl=60 + n) for n in range(1, 11)]
    names = only(zone("m.test", *many))
    answer = ask(names, "m.test")
    assert len(set(told(answer))) == 8
    assert {r.ttl for r in answer.records} == {61}
    assert len(data(ask(names, "m.test") for _ in range(200))) == 10


def test_an_alias_stands_in_for_records_of_its_zone() -> None:
    names = only(
        zone(
            "al.test",
            record("al.test", "A", alias="web.al.test"),
            record("web.al.test", "A", "10.0.0.1", "10.0.0.2", ttl=17),
            record("self.al.test", "A", alias="self.al.test"),
            record("none.al.test", "A", alias="gone.al.test"),
        )
    )
    assert sorted(told(ask(names, "al.test"))) == ["al.test 17 A 10.0.0.1", "al.test 17 A 10.0.0.2"]
    for name in ("self.al.test", "none.al.test"):
        answer = ask(names, name)
        assert (answer.rcode, answer.records) == (NOERROR, [])
        assert answer.authority is not None
    assert "SOA" in " ".join(told(ask(names, "al.test", "ANY")))


@pytest.mark.parametrize(
    ("type", "value"),
    [
        ("AAAA", "2001:db8::1"),
        ("TXT", '"a b" "c"'),
        ("MX", "10 mail.t."),
        ("SRV", "1 2 80 web.t."),
        ("NS", "ns.t."),
        ("CAA", '0 issue "ca.test"'),
        ("PTR", "host.t."),
    ],
)
def test_every_type(type: str, value: str) -> None:
    names = only(zone("t", record("x.t", type, value, ttl=0)))
    assert told(ask(names, "x.t", type)) == [f"x.t 0 {type} {value}"]
    assert ask(names, "x.t", "NAPTR").authority is not None


def test_names_of_addresses_both_ways() -> None:
    own = AddressNames(prefix="ip-", domain="ec2.internal", networks=("10.0.0.0/16", "172.31.0.0/20"))
    names = only(
        zone("ec2.internal", computed=(own,)),
        zone("10.in-addr.arpa", computed=(own,)),
        zone("0.10.in-addr.arpa", record("9.9.0.10.in-addr.arpa", "PTR", "mine."), computed=(own,)),
    )
    assert told(ask(names, "ip-10-0-1-23.ec2.internal")) == ["ip-10-0-1-23.ec2.internal 60 A 10.0.1.23"]
    assert told(ask(names, "ip-172-31-15-1.ec2.internal"))[0].endswith("172.31.15.1")
    missing = ask(names, "ip-10-0-1-23.ec2.internal", "AAAA")
    assert (missing.rcode, missing.records) == (NOERROR, [])
    for name in (
        "ip-10-1-0-1",
        "ip-172-31-16-0",
        "ip-10-0-0-256",
        "x-10-0-0-1",
        "a.ip-10-0-0-1",
        "ip-10-0-0",
    ):
        assert ask(names, f"{name}.ec2.internal").rcode == NXDOMAIN, name
    assert told(ask(names, "23.1.0.10.in-addr.arpa", "PTR"))[0].endswith("PTR ip-10-0-1-23.ec2.internal.")
    assert told(ask(names, "9.9.0.10.in-addr.arpa", "PTR"))[0].endswith("PTR mine.")
    assert ask(names, "1.0.10.in-addr.arpa", "PTR").rcode == NOERROR  # names stand below it
    for name in (
        "1.1.10.in-addr.arpa",
        "01.1.0.10.in-addr.arpa",
        "x.1.0.10.in-addr.arpa",
        "1.2.3.0.10.in-addr.arpa",
    ):
        assert ask(names, name, "PTR").rcode == NXDOMAIN, name
