"""Messages as bytes, held against dnspython's reading and writing of them."""

import random
from collections.abc import Iterable

import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdatatype
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.host.dns.message import (
    BADVERS,
    CNAME,
    FORMERR,
    MAX_TCP_SIZE,
    NOERROR,
    NOTIMP,
    NXDOMAIN,
    REFUSED,
    SOA,
    A,
    Query,
    Record,
    parse_query,
    write_answer,
    write_query,
)
from seawall.host.dns.record_set import read_data, wire_name

ADDRESS = read_data("A", "10.0.0.1")


def query(name: str = "WwW.Example.com", type: str = "A", **members: object) -> dns.message.QueryMessage:
    return dns.message.make_query(name, type, **members)  # type: ignore[arg-type]


def parsed(message: dns.message.Message) -> Query:
    found = parse_query(message.to_wire())
    assert found is not None
    return found


def read(data: bytes) -> dns.message.Message:
    return dns.message.from_wire(data)


def addresses(count: int) -> list[Record]:
    return [Record(b"\3www\7example\3com\0", A, 60, bytes([10, 0, n // 256, n % 256])) for n in range(count)]


def test_a_question_is_read_in_lower_case_and_repeated_as_it_came() -> None:
    asked = query()
    found = parsed(asked)
    assert (found.name, found.type, found.payload, found.fault) == (wire_name("www.example.com"), A, None, 0)
    answer = read(write_answer(found, NOERROR, addresses(2), None, 512))
    assert answer.id == asked.id
    assert answer.question[0].name.labels[0] == b"WwW"
    assert answer.answer[0].name.labels[0] == b"WwW"  # compression points at the question
    assert [str(item) for item in answer.answer[0]] == ["10.0.0.0", "10.0.0.1"]
    assert answer.flags == dns.flags.QR | dns.flags.RD | dns.flags.RA
    assert answer.edns == -1


@pytest.mark.parametrize(("payload", "limit"), [(0, 512), (512, 512), (1000, 1000), (4096, 1232)])
def test_the_size_of_udp_answers_is_agreed_on(payload: int, limit: int) -> None:
    found = parsed(query(use_edns=0, payload=payload))
    assert found.udp_limit == limit
    answer = read(write_answer(found, NOERROR, addresses(1), None, limit))
    assert (answer.edns, answer.payload) == (0, 1232)


def test_what_does_not_fit_is_left_out_and_said() -> None:
    found = parsed(query(use_edns=0, payload=600))
    size = len(write_answer(found, NOERROR, addresses(30), None, MAX_TCP_SIZE))
    fits = read(write_answer(found, NOERROR, addresses(30), None, size))
    assert len(fits.answer[0]) == 30
    assert not fits.flags & dns.flags.TC
    cut = read(write_answer(found, NOERROR, addresses(30), None, size - 1))
    assert cut.flags & dns.flags.TC
    assert (cut.answer, cut.edns, len(cut.question)) == ([], 0, 1)


def test_chains_and_authorities_share_their_names() -> None:
    found = parsed(query())
    target = wire_name("a.very.long.name.to.stand.in.the.answer.example.net")
    records = [
        Record(found.name, CNAME, 60, target),
        *(Record(target, A, 60, bytes([10, 0, 0, n])) for n in range(3)),
    ]
    soa = read_data("SOA", "ns.test. admin.test. 1 2 3 4 5")
    data = write_answer(found, NXDOMAIN, records, Record(wire_name("example.com"), SOA, 9, soa), MAX_TCP_SIZE)
    answer = read(data)
    assert answer.rcode() == dns.rcode.NXDOMAIN
    assert [len(rrset) for rrset in answer.answer] == [1, 3]
    assert str(answer.answer[1].name) == str(answer.answer[0][0].target)
    assert str(answer.authority[0].name) == "Example.com."
    assert data.count(b"\x04very\x04long") == 1


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda m: m.set_opcode(dns.opcode.NOTIFY), NOTIMP),
        (lambda m: m.question.clear(), FORMERR),
        (lambda m: m.question.append(m.question[0]), FORMERR),
        (lambda m: m.question.__setitem__(0, query(rdclass="CH").question[0]), REFUSED),
        (lambda m: m.use_edns(1), BADVERS),
    ],
)
def test_what_cannot_be_asked_is_answered_with_its_fault(change: object, fault: int) -> None:
    message = query()
    change(message)  # type: ignore[operator]
    found = parsed(message)
    assert found.fault == fault
    answer = read(write_answer(found, found.fault, [], None, 512))
    assert (answer.rcode(), answer.id, answer.opcode()) == (fault, message.id, message.opcode())


def test_a_second_opt_record_is_a_fault() -> None:
    plain = bytearray(query(use_edns=0).to_wire())
    opt = plain[-11:]
    plain[11] = 2
    found = parse_query(bytes(plain + opt))
    assert found is not None
    assert found.fault == FORMERR


def test_records_before_edns_are_passed_over() -> None:
    plain = query(use_edns=0).to_wire()
    record = b"\xc0\x0c\0\1\0\1\0\0\0\1\0\4" + ADDRESS
    found = parse_query(plain[:6] + b"\0\1" + plain[8:-11] + record + plain[-11:])
    assert found is not None
    assert (found.payload, found.fault) == (1232, 0)


def malformed() -> Iterable[bytes]:
    good = query(use_edns=0).to_wire()
    yield from (good[:n] for n in range(len(good)))  # cut anywhere
    yield b"\0\0\1\0\0\1\0\0\0\0\0\0\xc0\x0c\0\1\0\1"  # a name that points at itself
    yield b"\0\0\1\0\0\1\0\0\0\0\0\0" + b"\x3fa" * 200 + b"\0\0\1\0\1"
    yield b"\0\0\x81\0\0\1\0\0\0\0\0\0" + good[12:]  # an answer
    yield b"\0\0\1\0\0\1\0\0\0\0\0\0" + (b"\x3f" + b"a" * 63) * 4 + b"\0\0\1\0\1"  # 257 bytes


@pytest.mark.parametrize("number", range(len(tuple(malformed()))))
def test_what_is_no_query_gets_no_answer(number: int) -> None:
    data = tuple(malformed())[number]
    assert parse_query(data) is None


@given(st.binary(max_size=300))
def test_any_packet_is_survived(data: bytes) -> None:
    found = parse_query(data)
    if found is not None:
        write_answer(found, found.fault, [], None, 512)


@given(st.data())
def test_a_good_query_with_bytes_changed_is_survived(draw: st.DataObject) -> None:
    data = bytearray(query(use_edns=0).to_wire())
    for _ in range(draw.draw(st.integers(1, 4))):
        data[draw.draw(st.integers(0, len(data) - 1))] = draw.draw(st.integers(0, 255))
    found = parse_query(bytes(data))
    if found is not None:
        assert len(write_answer(found, found.fault, addresses(1), None, 512)) <= 512


def test_our_own_questions() -> None:
    id = random.getrandbits(16)
    asked = read(write_query(id, wire_name("example.org"), 28))
    assert (asked.id, asked.question[0].to_text(), asked.edns) == (id, "example.org. IN AAAA", 0)
    assert asked.flags & dns.flags.RD
