"""Answers that go back through the load balancer's node that sent the question on under a client's address.

A flow that comes out of such a node gets a mark; by it the answers' packets get a routing table in which
everything leads to the node.  In VPCs without such nodes none of this is there.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence

from seawall.compile.network.contribution import Turn
from seawall.compile.network.placement import Placed, found_on
from seawall.compile.network.policies import Catalog, interface_policy
from seawall.compile.network.routing import SPECIFIC_PRIORITY, SPECIFIC_TABLE, TABLE_MASK
from seawall.compile.network.skeletons import POLICY_BITS
from seawall.program.network import Chain, Element, ElementSet, Route, RoutingRule, Rule
from seawall.program.shelves import Shelves

Numbers = Mapping[str, int]  # of routing tables, by interface
_TRACKED = 1  # as all that passes a load balancer


def turn_routes(turns: Iterable[Turn], numbers: Numbers) -> tuple[tuple[Route, ...], tuple[RoutingRule, ...]]:
    """Before the interfaces' own addresses are looked up."""
    numbered = [(turn, numbers[turn.origin]) for turn in turns]
    return (
        tuple(
            Route(destination="0.0.0.0/0", device=turn.device, via=turn.via, table=SPECIFIC_TABLE + number)
            for turn, number in numbered
        ),
        tuple(
            RoutingRule(
                priority=SPECIFIC_PRIORITY,
                table=SPECIFIC_TABLE + number,
                mark=number << POLICY_BITS,
                mask=TABLE_MASK,
            )
            for _, number in numbered
        ),
    )


def turn_sets(
    turns: Sequence[Turn],
    numbers: Numbers,
    interfaces: Shelves[Placed],
    catalog: Catalog,
    bounded: Collection[str],
) -> tuple[ElementSet, ...]:
    """Node -> mark of its flows, mark -> chain, and node -> policy that group rules may mean.

    `interfaces` are the VPC's.
    """
    if not turns:
        return ()
    nodes = [node for turn in turns if (node := found_on(interfaces, turn.origin))]
    policies = {
        node.interface.id: catalog.number(interface_policy(node, bounded))
        for node in nodes
        if node.interface.group_ids
    }
    marks = {turn.origin: f"{numbers[turn.origin] << POLICY_BITS | _TRACKED:#x}" for turn in turns}
    return (
        ElementSet(
            name="turners",
            key=("iface_index",),
            value="mark",
            elements=tuple(_element(t, str(t.number), marks[t.origin]) for t in turns),
        ),
        ElementSet(
            name="turns",
            key=("mark",),
            value="verdict",
            elements=tuple(_element(t, marks[t.origin], f"jump {_name(numbers[t.origin])}") for t in turns),
        ),
        ElementSet(
            name="turner_policies",
            key=("iface_index",),
            value="mark",
            elements=tuple(
                _element(t, str(t.number), f"{policies[t.origin]:#x}") for t in turns if t.origin in policies
            ),
        ),
    )


def turn_chains(turns: Iterable[Turn], numbers: Numbers) -> tuple[Chain, ...]:
    """The sender's policy stays in the mark, its routing table is another."""
    chains = []
    for turn in turns:
        number = numbers[turn.origin]
        text = f"meta mark set meta mark & {(1 << POLICY_BITS) - 1:#x} | {number << POLICY_BITS:#x}"
        chains.append(Chain(name=_name(number), rules=(Rule(text=text, origin=turn.origin),)))
    return tuple(chains)


def _element(turn: Turn, key: str, value: str) -> Element:
    return Element(key=key, value=value, origin=turn.origin)


def _name(number: int) -> str:
    return f"turn_{number}"
