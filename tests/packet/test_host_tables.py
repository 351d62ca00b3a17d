"""Raw netlink against the nft program: the kernel must hold the very same bytes."""

import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace
from tests.packet.lab import Lab

from seawall.host.network import nf_tables as nf
from seawall.host.network.nft import run_nft
from seawall.host.network.policy import chains_in_force, declarations
from seawall.host.network.state import contents_of, declaration, table_name
from seawall.host.network.tables import Tables
from seawall.program.network import Chain, Element, ElementSet, PacketPolicy, Rule

pytestmark = pytest.mark.world

SKELETON = """
    set busy { type ipv4_addr . inet_service; flags dynamic; size 100; }
    chain send {
        type filter hook forward priority filter; policy drop;
        meta mark vmap @verdicts
    }
"""
LAST = ":".join(["ffff"] * 8)
INTERVAL = {"interval": True}
VERDICTS = ElementSet(name="verdicts", key=("mark",), value="verdict")


def elements(*entries: str) -> tuple[Element, ...]:
    """Of texts KEY, KEY : VALUE, either with a # ORIGIN behind."""
    made = []
    for entry in entries:
        text, _, origin = entry.partition(" # ")
        key, _, value = text.partition(" : ")
        made.append(Element(key=key, value=value or None, origin=origin))
    return tuple(made)


def make(name: str, key: str, *entries: str, **members: Any) -> ElementSet:
    return ElementSet(name=name, key=tuple(key.split()), elements=elements(*entries), **members)


SHAPES = [
    make("hosts", "ipv4_addr", "10.0.0.1 # eni-1", "10.0.0.2"),
    make("hosts6", "ipv6_addr", "fd00::1 # eni-1", "fd00::2"),
    make("source", "iface_index ipv4_addr", "1 . 10.0.0.1 : 0x10002 # eni-1", value="mark"),
    make("source6", "iface_index ipv6_addr", "1 . fd00::1 : 0x10002 # eni-1", value="mark"),
    make("doors", "iface_index", "1 # eni-1"),
    make("protocols", "inet_proto", "6", "17 # a"),
    make("twins", "ipv4_addr", "10.0.0.1 : 198.18.0.1 # eni-1", value="ipv4_addr"),
    make("blocks", "ipv4_addr", "10.0.0.0/8 # a", "11.0.0.0/8", "12.0.0.0-12.0.0.9", "13.1.1.1", **INTERVAL),
    make("top", "ipv4_addr", "240.0.0.0/4 # end", "0.0.0.0/8", interval=True, counted=True),
    make("blocks6", "ipv6_addr", "fd00::/64 # a", f"fe00::-{LAST}", **INTERVAL),
    make("everything", "ipv4_addr", "0.0.0.0/0", interval=True),
    make("services", "inet_service", "80 # a", "90-99", interval=True, counted=True),
    make("marks", "mark", "0x12-0x14 # a", "0x20", interval=True),
    make(
        "group",
        "ipv4_addr inet_proto inet_service",
        "10.0.0.0/8 . 6 . 80-90 # sgr-1,sgr-2",
        "192.0.0.0/2 . 0-255 . 0-65535",
        "11.0.0.1-11.0.0.9 . 17 . 53 # " + ",".join(f"sgr-{n:017x}" for n in range(20)),
        interval=True,
        counted=True,
    ),
    make("group6", "ipv6_addr inet_proto inet_service", "fd00::/8 . 58 . 0-65535", **INTERVAL),
    make("peers", "mark inet_proto inet_service", "0x12 . 6 . 80-90 # sgr-3", interval=True, counted=True),
    make("lanes", "iface_index ipv6_addr", "1 . fd00::/64 : 0x77 # a", value="mark", interval=True),
    make("nets", "ipv4_addr", "10.0.0.0/24 : 0x5 # subnet-1", "10.0.1.0/24 : 0x6", value="mark", **INTERVAL),
    make("acl", "mark ipv4_addr", "0x1 . 10.0.0.0/8 : drop # a", value="verdict", interval=True),
]  # fmt: skip
GROUP = (
    Rule(text="ip saddr . meta l4proto . th dport @group accept", origin="sg-1"),
    Rule(text="ip6 saddr . meta l4proto . th dport @group6 counter accept", origin="sg-1"),
    Rule(text="ip saddr vmap @acl_verdicts", origin="acl-1"),
    Rule(text="meta l4proto { tcp, udp } th dport { 80, 90-99 } ip daddr . th dport @busy accept"),
    Rule(text="meta mark set numgen random mod 2 map { 0 : 0x7, 1 : 0x9 }"),
    Rule(text="meta l4proto tcp add @busy { ip daddr . th dport ct count over 5 } counter drop"),
    Rule(text="th dport vmap { 1 : accept, 2 : drop }", origin="x"),
)
ACL_VERDICTS = make("acl_verdicts", "ipv4_addr", "10.0.0.0/9 : accept", value="verdict", interval=True)


def empty() -> PacketPolicy:
    return PacketPolicy(skeleton=SKELETON, sets=(VERDICTS,))


def full() -> PacketPolicy:
    verdicts = replace(
        VERDICTS, elements=elements("0x0 : accept # none", "0x1 : jump policy_1", "0x2 : drop")
    )
    chains = (
        Chain(name="group", rules=GROUP),
        Chain(name="policy_1", rules=(Rule(text="jump group", origin="g"),)),
    )
    return PacketPolicy(skeleton=SKELETON, sets=(verdicts, *SHAPES, ACL_VERDICTS), chains=chains)


def written_by_nft(lab: Lab, policy: PacketPolicy) -> dict[str, Any]:
    """A namespace filled by one script, elements and all."""
    table = table_name(policy)
    lines = [declarations(table, policy)]
    for contents in policy.sets:
        for e in contents.elements:
            comment = f' comment "{e.origin}"' if e.origin and len(e.origin) < 120 else ""
            value = f" : {e.value}" if e.value else ""
            lines.append(f"add element inet {table} {contents.name} {{ {e.key}{comment}{value} }}\n")
    lab.namespaces.create("by-nft")
    run_nft(lab.namespaces.inside("by-nft"), "".join(lines[:1]))
    run_nft(lab.namespaces.inside("by-nft"), "".join(lines[1:]) + chains_in_force(table, policy))
    return shown(lab, "by-nft", policy)


@pytest.fixture
def tables(lab: Lab) -> Iterator[Tables]:
    made = Tables(lab.namespaces, lab.run_dir)
    lab.namespaces.create("by-hand")
    yield made
    made.close()
    for name in lab.namespaces.names():
        lab.namespaces.remove(name)


def shown(lab: Lab, namespace: str, policy: PacketPolicy) -> dict[str, Any]:
    """Every byte the kernel tells of sets and elements, but for what numbers them, and nft's listing."""
    tables = Tables(lab.namespaces, lab.run_dir)
    netfilter = tables.filter(namespace)
    (table,) = nf.table_names(netfilter)
    found: dict[str, Any] = {"sets": {}, "elements": {}}
    for name, members in nf.sets(netfilter, table).items():
        if name.startswith("__") or name == "applied":
            continue
        found["sets"][name] = {k: v for k, v in members.items() if k in (3, 4, 5, 6, 7, 9, 13, 17, 18)}
        entries = [sorted(e.items()) for e in nf.elements(netfilter, table, name)]
        found["elements"][name] = sorted(e for e in entries if not _is_start_of_all(e))
    with lab.namespaces.inside(namespace):
        listing = subprocess.run(
            ["nft", "list", "ruleset"], capture_output=True, text=True, check=True
        ).stdout
    blocks = listing.replace("elements = {", "\n").replace(", ", "\n").split("\n\n")
    found["listing"] = sorted(
        sorted(text for line in block.splitlines() if (text := line.strip(" ,{}\t")) and "table" not in text)
        for block in blocks
        if "set applied" not in block
    )
    tables.close()
    return found


def _is_start_of_all(entry: list[tuple[int, bytes]]) -> bool:
    """The end of nothing at address 0, which nft writes into some sets of intervals and nobody needs."""
    members = dict(entry)
    return members.get(nf.ELEMENT_FLAGS) == b"\0\0\0\1" and not any(members[nf.KEY][4:])


def put(tables: Tables, policy: PacketPolicy) -> None:
    tables.put("by-hand", policy, contents_of(policy))


def without_long_origins(policy: PacketPolicy) -> PacketPolicy:
    """nft refuses them; ours are cut."""
    sets = []
    for contents in policy.sets:
        kept = tuple(e if len(e.origin) < 120 else replace(e, origin="") for e in contents.elements)
        sets.append(replace(contents, elements=kept))
    return replace(policy, sets=tuple(sets))


def test_a_fill_and_a_change_write_what_nft_writes(lab: Lab, tables: Tables) -> None:
    wanted = without_long_origins(full())
    by_nft = written_by_nft(lab, wanted)
    put(tables, wanted)
    filled = shown(lab, "by-hand", wanted)
    put(tables, empty())
    put(tables, wanted)
    changed = shown(lab, "by-hand", wanted)
    for part, expected in by_nft.items():
        assert filled[part] == expected
        assert changed[part] == expected


def test_everything_goes_again(lab: Lab, tables: Tables) -> None:
    put(tables, empty())
    before = shown(lab, "by-hand", empty())
    put(tables, full())
    table = tables.held["by-hand"].table
    put(tables, empty())
    assert tables.held["by-hand"].table == table, "a table was made anew"
    assert shown(lab, "by-hand", empty()) == before


@pytest.mark.parametrize("contents", SHAPES, ids=[s.name for s in SHAPES])
def test_elements_come_and_go_one_by_one(lab: Lab, tables: Tables, contents: ElementSet) -> None:
    """Between neighbours, too: what is left is what a script with the rest would have written."""
    policy = replace(empty(), sets=(VERDICTS, contents))
    put(tables, policy)
    table = tables.held["by-hand"].table
    for element in contents.elements:
        rest = replace(contents, elements=tuple(e for e in contents.elements if e != element))
        put(tables, replace(policy, sets=(VERDICTS, rest)))
        assert keys(tables, contents.name) == expected(lab, tables, rest)
        renamed = replace(contents, elements=(*rest.elements, replace(element, origin="renamed")))
        put(tables, replace(policy, sets=(VERDICTS, renamed)))
        assert keys(tables, contents.name) == expected(lab, tables, contents)
    assert tables.held["by-hand"].table == table, "a table was made anew"


def keys(tables: Tables, name: str, namespace: str = "by-hand") -> list[Any]:
    netfilter = tables.filter(namespace)
    (table,) = nf.table_names(netfilter)
    found = [
        [(k, v) for k, v in sorted(e.items()) if k in (nf.KEY, nf.KEY_END, nf.ELEMENT_FLAGS, nf.DATA)]
        for e in nf.elements(netfilter, table, name)
    ]
    return sorted(e for e in found if not _is_start_of_all(e))


def expected(lab: Lab, tables: Tables, contents: ElementSet) -> list[Any]:
    lab.namespaces.create("by-nft")
    word = "map" if contents.value else "set"
    script = f"flush ruleset\nadd table inet t\nadd {word} inet t s {{ {declaration(contents)} }}\n"
    for e in contents.elements:
        script += f"add element inet t s {{ {e.key}{f' : {e.value}' if e.value else ''} }}\n"
    run_nft(lab.namespaces.inside("by-nft"), script)
    return keys(tables, "s", "by-nft")


def test_more_than_one_message_holds(lab: Lab, tables: Tables) -> None:
    """Many elements with long comments, as a fill and as one change."""
    many = tuple(
        Element(key=f"10.{n >> 8}.{n & 255}.0/24 . 6 . {n}-{n + 5}", origin=f"sgr-{n:0100}")
        for n in range(3000)
    )
    large = make("large", "ipv4_addr inet_proto inet_service", interval=True, counted=True)
    put(tables, replace(empty(), sets=(VERDICTS, large)))
    put(tables, replace(empty(), sets=(VERDICTS, replace(large, elements=many))))
    assert len(keys(tables, "large")) == len(many)
    put(tables, replace(empty(), sets=(VERDICTS, replace(large, elements=many[:10]))))
    assert len(keys(tables, "large")) == 10


def test_a_known_shape_needs_no_nft(lab: Lab, tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tables, full())
    monkeypatch.setenv("PATH", "/nowhere")
    more = make(
        "group_2", "ipv4_addr inet_proto inet_service", "10.0.0.0/8 . 6 . 1", interval=True, counted=True
    )
    rule = Rule(text="ip saddr . meta l4proto . th dport @group_2 accept", origin="sg-2")
    old = full()
    chains = (
        *old.chains,
        Chain(name="group_2", rules=(rule,)),
        Chain(name="policy_2", rules=(Rule(text="jump group_2", origin="sg-2"), Rule(text="jump group"))),
    )
    put(tables, replace(old, sets=(*old.sets, more), chains=chains))
    monkeypatch.undo()
    with lab.namespaces.inside("by-hand"):
        listing = subprocess.run(
            ["nft", "list", "ruleset"], capture_output=True, text=True, check=True
        ).stdout
    assert 'ip saddr . meta l4proto . th dport @group_2 accept comment "sg-2"' in listing
    assert 'jump group_2 comment "sg-2"\n\t\tjump group\n' in listing
