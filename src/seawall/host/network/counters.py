"""How many packets each element and each rule of a policy has matched."""

from collections.abc import Iterator, Mapping

from seawall.host.network import nf_tables as nf
from seawall.host.network.elements import encoded_keys
from seawall.host.network.netlink import NetlinkSocket, attributes
from seawall.host.network.tables import Held
from seawall.program.network import Element, ElementSet
from seawall.program.report import Counter


def read_counters(netfilter: NetlinkSocket, held: Held) -> Iterator[Counter]:
    """Of all sets that count and all rules with a counter, in the policy's order.  Raises NetlinkError."""
    for contents in held.policy.sets:
        if contents.counted and contents.elements:
            yield from _of_set(netfilter, held.table, contents)
    if any("counter" in rule.text for chain in held.policy.chains for rule in chain.rules):
        yield from _of_rules(netfilter, held)


def _of_set(netfilter: NetlinkSocket, table: str, contents: ElementSet) -> Iterator[Counter]:
    by_key: dict[bytes, Element] = {encoded_keys(contents, e.key)[0]: e for e in contents.elements}
    ranges = contents.interval and len(contents.key) > 1
    if ranges:  # several may begin alike
        by_key = {b"".join(filter(None, encoded_keys(contents, e.key))): e for e in contents.elements}
    for entry in nf.elements(netfilter, table, contents.name):
        key = attributes(entry[nf.KEY])[nf.VALUE]
        key += attributes(entry[nf.KEY_END])[nf.VALUE] if ranges else b""
        count = _count(entry)
        if count is not None and key in by_key:
            element = by_key[key]
            yield Counter(
                where=contents.name,
                what=element.key,
                origin=element.origin,
                packets=count.packets,
                bytes=count.bytes,
            )


def _count(entry: Mapping[int, bytes]) -> nf.Count | None:
    """Ends of intervals have none."""
    if nf.ELEMENT_EXPRESSION in entry:
        return nf.expression_count(entry[nf.ELEMENT_EXPRESSION])
    return nf.count(entry.get(nf.ELEMENT_EXPRESSIONS, b""))


def _of_rules(netfilter: NetlinkSocket, held: Held) -> Iterator[Counter]:
    shown = nf.rules(netfilter, held.table)
    for chain in held.policy.chains:
        for rule, entry in zip(chain.rules, shown.get(chain.name, ()), strict=False):
            count = nf.count(entry[nf.RULE_EXPRESSIONS])
            if count is not None:
                yield Counter(
                    where=chain.name,
                    what=rule.text,
                    origin=rule.origin,
                    packets=count.packets,
                    bytes=count.bytes,
                )
