"""The packet policies of all namespaces in the kernel: which table holds one, and how it becomes another.

What is known is changed by raw netlink in one transaction.  What is not is filled anew in a table beside the
old one, which serves until the new one does.
"""

import errno
import logging
import socket
import struct
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from seawall.host.namespaces import Namespaces
from seawall.host.network import nf_tables as nf
from seawall.host.network.changes import (
    SEALS,
    Difference,
    change_messages,
    difference,
    is_known,
    new_seals,
    rule_messages,
    seal_messages,
)
from seawall.host.network.conntrack import NETLINK_NETFILTER, forget_flows
from seawall.host.network.learned import Learned
from seawall.host.network.lost import lost_flows
from seawall.host.network.netlink import NLM_F_CREATE, Message, NetlinkError, NetlinkSocket, attributes, text
from seawall.host.network.nft import NftError, Scratch, run_nft
from seawall.host.network.policy import skeleton_script, unknown_part
from seawall.host.network.releases import Release, released_by
from seawall.host.network.state import Contents, declaration, names_in, table_name
from seawall.host.network.unforgotten import Unforgotten
from seawall.program.network import Chain, PacketPolicy

log = logging.getLogger("seawall.network")

PREFIX = "seawall_"
_BASE_LENGTH = len(PREFIX) + 10  # what follows tells tables with one skeleton apart


class Seal(NamedTuple):
    """What the tables of a namespace say they hold; the digest is "" where they are not to be believed."""

    table: str
    digest: str
    generation: int

    @property
    def fact(self) -> tuple[str, str]:
        return self.table[:_BASE_LENGTH], self.digest


class Held(NamedTuple):
    """What a table holds for certain, as long as the namespace is at this generation."""

    policy: PacketPolicy
    table: str
    generation: int


class Tables:
    """Every method raises OSError or NftError where the kernel or nft refuses."""

    def __init__(self, namespaces: Namespaces, run_dir: Path) -> None:
        self._namespaces = namespaces
        self._unforgotten = Unforgotten(run_dir / "unforgotten")
        self._filters: dict[str, NetlinkSocket] = {}
        self._held: dict[str, Held] = {}
        self._learned = Learned()
        self._scratch: Scratch | None = None

    @property
    def held(self) -> Mapping[str, Held]:
        return self._held

    def filter(self, namespace: str) -> NetlinkSocket:
        """Kept open: closing one waits for the kernel to free what the last change deleted."""
        if namespace not in self._filters:
            self._filters[namespace] = NetlinkSocket(
                self._namespaces.socket_in(namespace, socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
            )
        return self._filters[namespace]

    def seal(self, namespace: str) -> Seal | None:
        """None where there is no table of ours.  Whatever anybody did later has broken it."""
        netfilter = self.filter(namespace)
        tables = _ours(netfilter)
        if len(tables) != 1:
            if not tables:
                self.let_go(namespace)
            return Seal("", "", 0) if tables else None
        generation = nf.generation(netfilter)
        key = struct.pack("=I", generation)
        try:
            for seal in nf.elements(netfilter, tables[0], SEALS.name):
                if attributes(seal[nf.KEY])[nf.VALUE] == key:
                    return Seal(tables[0], nf.comment(seal[nf.ELEMENT_USER_DATA]), generation)
        except NetlinkError as error:
            if error.errno != errno.ENOENT:
                raise
        return Seal(tables[0], "", generation)

    def trust(self, namespace: str, policy: PacketPolicy, seal: Seal) -> None:
        """A table that an agent before this one filled holds just this policy."""
        self._held[namespace] = Held(policy, seal.table, seal.generation)

    def distrust(self) -> None:
        self._held.clear()

    def put(self, namespace: str, policy: PacketPolicy | None, contents: Contents | None) -> None:
        """Bring a policy into force."""
        held = self._held.pop(namespace, None)
        if policy is None or contents is None:
            self._clear(namespace)
            return
        changed = self._change(namespace, policy, contents.digest, held) if held else None
        self._held[namespace] = changed or self._install(namespace, policy, contents.digest)

    def finish_forgetting(self) -> None:
        """Forget the flows that an agent before this one was killed over, where its change came about."""
        standing = self._namespaces.names()
        for namespace, digest, releases in list(self._unforgotten.left()):
            seal = self.seal(namespace) if namespace in standing else None
            if seal is not None and seal.digest == digest:
                forget_flows(self.filter(namespace), releases)
            self._unforgotten.done(namespace)

    def let_go(self, namespace: str) -> None:
        """Close what is open in a namespace."""
        self._held.pop(namespace, None)
        netfilter = self._filters.pop(namespace, None)
        if netfilter is not None:
            netfilter.close()

    def close(self) -> None:
        for namespace in list(self._filters):
            self.let_go(namespace)
        if self._scratch is not None:
            self._scratch.close()

    def _change(self, namespace: str, policy: PacketPolicy, digest: str, held: Held) -> Held | None:
        """None where it takes a new table."""
        if table_name(policy) != table_name(held.policy):
            return None
        found = difference(policy, held.policy)
        if any(declaration(old) != declaration(new) for old, new in found.changed_sets):
            return None
        self._learn(policy, found)
        messages = change_messages(found, held.table, self._learned)
        messages += seal_messages(held.table, held.generation + 1, digest, messages)
        if not self.filter(namespace).fits(messages):
            return None
        try:
            self._seal(namespace, held.generation, messages, digest, _releases(held.policy, policy))
        except NetlinkError as error:  # ERESTART: somebody else changed something
            log.info("policy.made_anew", extra={"namespace": namespace, "error": str(error)})
            return None
        return Held(policy, held.table, held.generation + 1)

    def _install(self, namespace: str, policy: PacketPolicy, digest: str) -> Held:
        netfilter = self.filter(namespace)
        old = _ours(netfilter)
        base = table_name(policy)
        table = next(name for name in (base, *(f"{base}_{n}" for n in range(2, 99))) if name not in old)
        try:
            self._fill(namespace, table, policy)
            for step in _retirement(netfilter, old):
                netfilter.transact(nf.begin(0), step, nf.END)
        except (OSError, NftError):
            if table in _ours(netfilter):
                netfilter.transact(nf.begin(0), [_table(nf.DELETE_TABLE, table)], nf.END)
            raise
        releases = lost_flows(netfilter, old, policy)
        generation = nf.generation(netfilter)
        messages = [_table(nf.DELETE_TABLE, name) for name in old]
        messages += seal_messages(table, generation + 1, digest, messages)
        self._seal(namespace, generation, messages, digest, releases)
        return Held(policy, table, generation + 1)

    def _fill(self, namespace: str, table: str, policy: PacketPolicy) -> None:
        """In as many transactions as it takes.  Base chains come last but for rules over their own sets."""
        netfilter = self.filter(namespace)
        everything = difference(policy, PacketPolicy(skeleton=policy.skeleton))
        self._learn(policy, everything)
        names = {contents.name for contents in policy.sets} | {chain.name for chain in policy.chains}
        later = [chain for chain in policy.chains if not _names_used(chain) <= names]
        bare = {chain.name for chain in later}
        chains = [replace(c, rules=()) if c.name in bare else c for c in policy.chains]
        messages = [_table(nf.NEW_TABLE, table), new_seals(table)]
        messages += change_messages(everything._replace(new_chains=chains), table, self._learned)
        for batch in netfilter.batches(messages):
            netfilter.transact(nf.begin(0), batch, nf.END)
        run_nft(self._namespaces.inside(namespace), skeleton_script(table, policy))
        rules = [m for chain in later for m in rule_messages(chain, table, self._learned)]
        if rules:
            netfilter.transact(nf.begin(0), rules, nf.END)

    def _learn(self, policy: PacketPolicy, found: Difference) -> None:
        if not is_known(found, self._learned):
            self._scratch = self._scratch or Scratch(self._namespaces)
            self._scratch.study(self._learned, unknown_part(policy, found, self._learned))

    def _seal(
        self, namespace: str, generation: int, messages: list[Message], digest: str, releases: set[Release]
    ) -> None:
        """The transaction that brings a digest into force, and what it takes the ground from."""
        if releases:
            self._unforgotten.note(namespace, digest, releases)
        netfilter = self.filter(namespace)
        netfilter.transact(nf.begin(generation), messages, nf.END)
        if releases:
            forget_flows(netfilter, releases)
            self._unforgotten.done(namespace)

    def _clear(self, namespace: str) -> None:
        netfilter = self.filter(namespace)
        messages = [_table(nf.DELETE_TABLE, name) for name in _ours(netfilter)]
        if messages:
            netfilter.transact(nf.begin(0), messages, nf.END)


def _releases(old: PacketPolicy, new: PacketPolicy) -> set[Release]:
    return released_by({s.name: s for s in old.sets}, {s.name: s for s in new.sets})


def _ours(netfilter: NetlinkSocket) -> list[str]:
    return [name for name in nf.table_names(netfilter) if name.startswith(PREFIX)]


def _names_used(chain: Chain) -> set[str]:
    return {name for rule in chain.rules for name in names_in(rule.text)}


def _table(kind: int, name: str) -> Message:
    return Message(
        kind, NLM_F_CREATE if kind == nf.NEW_TABLE else 0, nf.HEADER + text(nf.TABLE, name), f"table {name}"
    )


def _retirement(netfilter: NetlinkSocket, tables: Iterable[str]) -> Iterator[list[Message]]:
    """Let tables stand aside for another that serves already.  Their rules go on while their sets are being
    deleted; without these two steps packets would be lost.
    """
    bases = [(table, chain) for table in tables for chain in nf.base_chains(netfilter, table)]
    if bases:
        yield [nf.accept_all(table, chain) for table, chain in bases]
        yield [nf.without_rules(table, chain) for table, chain in bases]
