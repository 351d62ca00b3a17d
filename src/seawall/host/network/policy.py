"""The parts of a packet policy that the nft program writes: tables, sets, chains, rules; never elements."""

from msgspec.structs import replace

from seawall.host.network.changes import SEALS, Difference
from seawall.host.network.elements import comment_text
from seawall.host.network.learned import Learned
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
    lines = [f"table inet {table} {{{policy.skeleton}}}"]
    lines += [
        f"add rule inet {table} {chain.name} {rule.text}{_comment(rule.origin)}"
        for chain in policy.chains
        for rule in chain.rules
    ]
    return "\n".join(lines) + "\n"


def unknown_part(policy: PacketPolicy, found: Difference, learned: Learned) -> PacketPolicy:
    """A small policy with all that has to be learned to make a change."""
    chains = [
        replace(chain, rules=tuple(rule for rule in chain.rules if not learned.knows_rule(rule)))
        for chain in (*found.new_chains, *found.changed_chains)
    ]
    chains = [chain for chain in chains if chain.rules]
    texts = [policy.skeleton, *(rule.text for chain in chains for rule in chain.rules)]
    named = frozenset[str]().union(*(names_in(text) for text in texts))
    mentioned = named - {chain.name for chain in chains}
    sets = [
        replace(contents, elements=())
        for contents in policy.sets
        if contents.name in named or (contents in found.new_sets and not learned.knows_set(contents))
    ]
    bare = [Chain(name=chain.name) for chain in policy.chains if chain.name in mentioned]
    return PacketPolicy(skeleton=policy.skeleton, sets=tuple(sets), chains=(*bare, *chains))


def _declare(table: str, contents: ElementSet) -> str:
    word = "map" if contents.value else "set"
    return f"add {word} inet {table} {contents.name} {{ {declaration(contents)} }}"


def _comment(origin: str) -> str:
    return f' comment "{comment_text(origin)}"' if origin else ""
