"""Only namespaces whose counted elements go are read before a change."""

import pytest

from seawall.controllers.last_counts import losing_counters
from seawall.program.network import Element, ElementSet, Namespace, NetworkProgram, PacketPolicy


def network(*keys: str, counted: bool = True, skeleton: str = "") -> NetworkProgram:
    elements = tuple(Element(key=key, origin="sgr-1") for key in keys)
    contents = ElementSet(name="a", key=("mark",), counted=counted, elements=elements)
    policy = PacketPolicy(skeleton=skeleton, sets=(contents,))
    return NetworkProgram(namespaces=(Namespace(name="vpc-1", policy=policy),))


@pytest.mark.parametrize(
    ("old", "new", "lost"),
    [
        (network("1", "2"), network("1"), ["vpc-1"]),
        (network("1"), network("1", "2"), []),
        (network("1", counted=False), network(counted=False), []),
        (network("1"), network("1", skeleton="chain"), ["vpc-1"]),
        (network("1"), NetworkProgram(), []),
    ],
)
def test_those_that_lose(old: NetworkProgram, new: NetworkProgram, lost: list[str]) -> None:
    assert list(losing_counters(old, new)) == lost
