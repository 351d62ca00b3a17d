"""Answers read by hand, against the library that wrote them."""

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.host.dns.address_answer import Found, name_in_wire_form, read_answer

HOST = "Api.ecr.us-east-1.amazonaws.com."
NAME = name_in_wire_form(HOST)
assert NAME is not None


def answer(*records: tuple[str, str, str], host: str = HOST) -> dns.message.Message:
    made = dns.message.make_response(dns.message.make_query(host, "A"))
    made.id = 7
    made.answer = [dns.rrset.from_text(owner, 60, "IN", kind, data) for owner, kind, data in records]
    return made


def read(made: dns.message.Message) -> Found | None:
    return read_answer(made.to_wire(), 7, NAME or b"")


def test_addresses_of_the_name_and_of_what_it_is_an_alias_of() -> None:
    assert read(answer((HOST, "A", "10.0.0.1"))) == Found(0, False, ("10.0.0.1",))
    chain = (HOST, "CNAME", "b.test."), ("b.test.", "CNAME", "C.test."), ("c.test.", "A", "10.0.0.2")
    assert read(answer(*chain)) == Found(0, False, ("10.0.0.2",))
    assert read(answer(("other.test.", "A", "10.0.0.1"))) == Found(0, False, ())
    round_about = (HOST, "CNAME", "b.test."), ("b.test.", "CNAME", HOST)
    assert read(answer(*round_about)) == Found(0, False, ())


def test_what_the_answer_says_of_itself() -> None:
    unknown, cut = answer(), answer()
    unknown.set_rcode(dns.rcode.NXDOMAIN)
    cut.flags |= dns.flags.TC
    assert read(unknown) == Found(3, False, ())
    assert read(cut) == Found(0, True, ())
    helpless = dns.message.Message(7)
    helpless.flags = dns.flags.QR
    helpless.set_rcode(dns.rcode.SERVFAIL)
    assert read(helpless) == Found(2, False, ())


def test_answers_to_another_question_are_none() -> None:
    assert read(answer(host="other.test")) is None
    assert read_answer(answer().to_wire(), 8, NAME or b"") is None
    assert read_answer(dns.message.make_query(HOST, "A", id=7).to_wire(), 7, NAME or b"") is None


@given(st.integers(0, 10_000), st.integers(0, 255))
def test_no_bytes_do_more_than_be_refused(place: int, value: int) -> None:
    chain = (
        (HOST, "CNAME", "b.ecr.us-east-1.amazonaws.com."),
        ("b.ecr.us-east-1.amazonaws.com.", "A", "1.2.3.4"),
    )
    data = bytearray(answer(*chain).to_wire())
    data[place % len(data)] = value
    for damaged in (bytes(data), bytes(data[: place % len(data)])):
        try:
            read_answer(damaged, 7, NAME or b"")
        except ValueError as error:
            assert str(error) == "no DNS message"


@pytest.mark.parametrize("host", ["", "a..b", "x" * 64, ".".join(["abcdefg"] * 32), "ä.test"])
def test_what_can_be_no_name_of_a_host(host: str) -> None:
    assert name_in_wire_form(host) is None
