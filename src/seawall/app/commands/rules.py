"""say which security group rules are used: how many new flows each let through

GROUP is a security group's id or name; without any, all groups and all network ACLs are shown.
Counted are the first packets of flows (one that is repeated unanswered counts again), since Seawall was
started.  What came in the last quarter of a minute before a rule or its neighbour changed may be missing.
Network ACLs keep no state: their entries count all packets.
Example:  seawall rules --unused
"""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence

import msgspec

from seawall.app.answer import answer, table
from seawall.app.failure import CommandFailed
from seawall.app.rule_use import LAST_ENTRY, Counted, EntryUse, RuleUse, entry_use, rule_use
from seawall.app.saved_model import fetch_own, read_model

EVERY_S = 2.0
HEAD = ("GROUP", "RULE", "WAY", "PROTOCOL", "PORTS", "PEER", "FLOWS", "DESCRIPTION")
ACL_HEAD = ("ACL", "ENTRY", "WAY", "ACTION", "PEER", "PACKETS")
NOTE = "What no rule of a security group lets through is dropped without being counted."


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("groups", nargs="*", metavar="GROUP")
    parser.add_argument("--unused", action="store_true", help="only rules that let nothing through")
    parser.add_argument("--watch", action="store_true", help=f"again every {EVERY_S:g} s")


def run(args: argparse.Namespace) -> int:
    show(args)
    while args.watch:
        time.sleep(EVERY_S)
        if args.output == "text" and sys.stdout.isatty():
            print("\033[2J\033[H", end="")
        show(args)
        sys.stdout.flush()
    return 0


def show(args: argparse.Namespace) -> None:
    counted = msgspec.json.decode(fetch_own(args.state_dir, "counters"), type=Counted)
    snapshot = read_model(args.state_dir, None)
    known = {name for group in snapshot.security_groups for name in (group.id, group.name)}
    if strangers := [name for name in args.groups if name not in known]:
        raise CommandFailed(f"{', '.join(strangers)}: no security group of this id or name")
    rules = [use for use in rule_use(snapshot, counted, args.groups) if not (args.unused and use.flows)]
    entries = [] if args.groups or args.unused else entry_use(snapshot, counted)
    value = {
        "since": msgspec.to_builtins(counted.since),
        "unread": counted.unread,
        "rules": msgspec.to_builtins(rules),
        "network_acl_entries": msgspec.to_builtins(entries),
        "refused_by_security_groups": None,  # the kernel has no counter for that
    }
    answer(args.output, value, lines(counted, rules, entries))


def lines(counted: Counted, rules: Sequence[RuleUse], entries: Sequence[EntryUse]) -> Iterator[str]:
    yield (
        f"Since {counted.since.isoformat(' ', 'seconds')}:"
        if counted.since
        else "Nothing could be read so far."
    )
    yield from table(HEAD, [_row(use) for use in rules])
    if entries:
        yield ""
        yield from table(ACL_HEAD, [_entry_row(use) for use in entries])
    yield ""
    yield NOTE
    if counted.unread:
        yield f"Not read this time: {', '.join(counted.unread)}"


def _row(use: RuleUse) -> list[str]:
    flows = f"{use.flows} ({use.shared} shared)" if use.shared else str(use.flows)
    return [use.group, use.rule, use.direction, use.protocol, use.ports, use.peer, flows, use.description]


def _entry_row(use: EntryUse) -> list[str]:
    packets = "-" if use.packets is None else str(use.packets)
    number = "*" if use.number == LAST_ENTRY else str(use.number)
    return [use.acl, number, use.direction, use.action, use.peer, packets]
