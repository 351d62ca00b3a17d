"""What a change of a set takes the ground from."""

from typing import Literal

from seawall.host.network.elements import comment_text
from seawall.host.network.releases import Release, released, released_by
from seawall.program.network import Element, ElementSet


def flows(*keys: str, releases: Literal["address", "to", "from"] = "to", origin: str = "sgr-1") -> ElementSet:
    elements = tuple(Element(key=key, origin=origin) for key in keys)
    return ElementSet(
        name="flows",
        key=("ipv4_addr", "inet_proto", "inet_service"),
        interval=True,
        releases=releases,
        elements=elements,
    )


def test_another_origin_is_no_reason() -> None:
    assert released(flows("10.0.0.1 . 6 . 80"), flows("10.0.0.1 . 6 . 80", origin="sgr-2")) == set()


def test_only_what_nothing_covers() -> None:
    old = flows("10.0.0.1 . 6 . 80-90")
    new = flows("10.0.0.1 . 0-255 . 82-83", "10.0.0.1 . 6 . 88-100", "10.0.0.2 . 6 . 80-90")
    assert released(old, new) == {
        Release("to", "10.0.0.1", (6, 6), (80, 81)),
        Release("to", "10.0.0.1", (6, 6), (84, 87)),
    }


def test_protocols_are_ranges_too() -> None:
    old, new = flows("10.0.0.1 . 0-255 . 0-65535", releases="from"), flows("10.0.0.1 . 6 . 1-65535")
    assert released(old, new) == {
        Release("from", "10.0.0.1", (0, 5)),
        Release("from", "10.0.0.1", (7, 255)),
        Release("from", "10.0.0.1", (6, 6), (0, 0)),
    }


def test_an_address_with_another_owner_is_released() -> None:
    def owned(origin: str) -> ElementSet:
        element = Element(key="10.0.0.1", origin=origin)
        return ElementSet(name="owned", key=("ipv4_addr",), releases="address", elements=(element,))

    assert released(owned("eni-1"), owned("eni-2")) == {Release("address", "10.0.0.1")}
    assert released(owned("eni-1"), owned("eni-1")) == set()


def marked(*keys: str, **owners: str) -> dict[str, ElementSet]:
    """What marks allow, and which mark stands for which address (one2 is 10.0.0.2)."""
    allowed = ElementSet(
        name="allowed",
        key=("mark", "inet_proto", "inet_service"),
        interval=True,
        releases="to",
        owners="owners",
        elements=tuple(Element(key=key) for key in keys),
    )
    elements = tuple(Element(key=f"10.0.0.{n[3:]}", value=mark) for n, mark in owners.items())
    known = ElementSet(name="owners", key=("ipv4_addr",), value="mark", elements=elements)
    return {"allowed": allowed, "owners": known}


def test_what_a_mark_may_no_more_ends_for_all_who_have_it() -> None:
    old = marked("0x1 . 6 . 80-90", "0x2 . 6 . 80-90", one1="0x1", one2="0x2", one3="0x1")
    new = marked("0x1 . 6 . 80-84", "0x2 . 6 . 80-90", one1="0x1", one2="0x2", one3="0x1")
    assert released_by(old, new) == {Release("to", f"10.0.0.{n}", (6, 6), (85, 90)) for n in (1, 3)}
    assert released_by(new, old) == released_by(old, old) == set()


def test_another_mark_ends_only_what_it_does_not_allow() -> None:
    rules = ("0x1 . 6 . 80-90", "0x2 . 6 . 85-99")
    old, new = marked(*rules, one1="0x1", one2="0x1"), marked(*rules, one1="0x2", one2="0x1")
    assert released_by(old, new) == {Release("to", "10.0.0.1", (6, 6), (80, 84))}
    assert released_by(old, marked("0x3 . 0-255 . 80-99", one1="0x3", one2="0x3")) == set()


def test_an_address_that_no_mark_stands_for_is_left_with_nothing() -> None:
    old = marked("0x1 . 6 . 80", one1="0x1", one2="0x1")
    assert released_by(old, marked("0x1 . 6 . 80", one2="0x1")) == {
        Release("to", "10.0.0.1", (6, 6), (80, 80))
    }
    everybody = {Release("to", f"10.0.0.{n}", (6, 6), (80, 80)) for n in (1, 2)}
    assert released_by(old, {}) == everybody
    assert released_by(old, {"owners": old["owners"]}) == everybody


def test_a_comment_holds_whole_ids() -> None:
    ids = [f"sgr-{number:017x}" for number in range(20)]
    assert comment_text(",".join(ids)) == ",".join(ids[:5]) + "..."
    assert comment_text('a"b') == "ab"
