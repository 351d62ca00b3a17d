"""What a change of a set takes the ground from."""

from typing import Literal

from seawall.host.network.elements import comment_text
from seawall.host.network.releases import Release, released
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


def test_a_comment_holds_whole_ids() -> None:
    ids = [f"sgr-{number:017x}" for number in range(20)]
    assert comment_text(",".join(ids)) == ",".join(ids[:5]) + "..."
    assert comment_text('a"b') == "ab"
