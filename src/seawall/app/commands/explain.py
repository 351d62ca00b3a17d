"""say what becomes of a packet, which rule decides, and what would let it through

SRC  a task's id, an interface (eni-...), an address, a load balancer's NAME or NAME/ZONE, or `internet`
DST  the same or a host name, with a port: 10.0.1.20:8000, db.internal:5432, [2001:db8::5]:443, internet:443
Exit status 0: they can talk; 1: they cannot.
Example:  seawall explain internet 198.18.0.5:80
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import msgspec

from seawall.app.answer import answer
from seawall.app.saved_model import read_model
from seawall.app.whereabouts import find_question
from seawall.compile.walk.explain import Answer, explain
from seawall.compile.walk.packet import Walk

MARKS = {"pass": "+", "forward": ">", "translate": "~", "deny": "x"}


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", metavar="SRC")
    parser.add_argument("destination", metavar="DST[:PORT]")
    parser.add_argument("--protocol", default="tcp", help="tcp (default), udp, icmp or a number")
    parser.add_argument("--model", type=Path, metavar="FILE", help="a saved model; needs no running Seawall")


def run(args: argparse.Namespace) -> int:
    snapshot = read_model(args.state_dir, args.model)
    question = find_question(snapshot, args.source, args.destination, args.protocol)
    found = explain(snapshot, question.packet, start=question.start, name=question.host_name)
    answer(args.output, {"connects": found.trip.connects, **msgspec.to_builtins(found)}, lines(found))
    return 0 if found.trip.connects else 1


def lines(found: Answer) -> Iterator[str]:
    yield "There:"
    yield from _way(found.trip.forward)
    if not found.trip.forward.hops:
        yield "  both ends are one interface: the packet does not leave it"
    if found.trip.back is not None:
        yield "And back:"
        yield from _way(found.trip.back)
    yield ""
    if found.cause is None:
        yield f"It connects. Let through by {allowing(found.trip.forward)}."
        return
    yield f"It does not connect{': the answer is dropped' if found.answering else ''}."
    if found.sometimes:
        yield "It does when the NAT gateway happens to take another of its addresses."
    yield f"Cause: {found.cause.text} ({found.cause.code})."
    if found.commands:
        yield "This would let it through:"
        yield from (f"    {command}" for command in found.commands)
    else:
        yield "No small change is known that would let it through."


def allowing(walk: Walk) -> str:
    """What had a say and let the packet through, by its id."""
    named = (
        hop.rule if hop.kind != "route_table" else f"{hop.id} ({hop.rule})"
        for hop in walk.hops
        if hop.rule is not None and hop.kind in ("security_group", "network_acl", "route_table")
    )
    return ", ".join(named) or "no rule: none is asked"


def _way(walk: Walk) -> Iterator[str]:
    for hop in walk.hops:
        yield f"  {MARKS[hop.verdict]} {hop.text}"
