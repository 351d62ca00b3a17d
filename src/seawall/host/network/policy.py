"""The parts of a packet policy that the nft program writes: base chains, and one of each other shape."""

from msgspec.structs import replace

from seawall.host.network.changes import SEALS, Difference
from seawall.host.network.elements import comment_text
from seawall.host.network.learned import Learned, general_shape
from seawall.host.network.state import declaration, names_in
from seawall.program.network import Chain, ElementSet, PacketPolicy


def declarations(table: str, policy: PacketPolicy) -> str:
    """A table with everything of the policy but base chains, rules and elements: no packet sees it."""
    lines = [f"add table inet {table}", _declare(table, SEALS)]
    lines += [_declare(table, contents) for contents in policy.sets]
    lines += [f"add chain inet {table} {chain.name}" for chain in policy.chains]
    return "\n".join(lines) + "\n"


def chains_in_force(table: str, policy: PacketPolicy) -> str:
    """Base chains and rules, for a table with all sets and chains."""
    lines = [
        f"add rule inet {table} {chain.name} {rule.text}{_comment(rule.origin)}"
        for chain in policy.chains
        for rule in chain.rules
    ]
    return skeleton_script(table, policy) + "\n".join(lines) + "\n"


def skeleton_script(table: str, policy: PacketPolicy) -> str:
    """The base chains, for a table with all sets and chains."""
    return f"table inet {table} {{{policy.skeleton}}}\n"


def unknown_part(policy: PacketPolicy, found: Difference, learned: Learned) -> PacketPolicy:
    """A small policy with all that has to be learned to make a change: one of each kind."""
    shapes = {
        general_shape(rule.text): rule
        for chain in (*found.new_chains, *found.changed_chains)
        for rule in chain.rules
        if not learned.knows_rule(rule)
    }
    chain = Chain(name="shapes_of_rules", rules=tuple(shapes.values()))
    named = names_in(policy.skeleton).union(*(names_in(rule.text) for rule in chain.rules))
    types = {declaration(s): s for s in found.new_sets if not learned.knows_set(s)}
    wanted = named | {contents.name for contents in types.values()}
    sets = [replace(contents, elements=()) for contents in policy.sets if contents.name in wanted]
    bare = [Chain(name=chain.name) for chain in policy.chains if chain.name in named]
    return PacketPolicy(skeleton=policy.skeleton, sets=tuple(sets), chains=(*bare, chain))


def _declare(table: str, contents: ElementSet) -> str:
    word = "map" if contents.value else "set"
    return f"add {word} inet {table} {contents.name} {{ {declaration(contents)} }}"


def _comment(origin: str) -> str:
    return f' comment "{comment_text(origin)}"' if origin else ""
