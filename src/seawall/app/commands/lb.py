"""show load balancers: nodes, listeners, rules, targets, their health and why, what drains

NAME is a load balancer's name (default: all).
Example:  seawall lb shop --watch
"""

import argparse
from collections.abc import Iterator
from typing import Any

from seawall.app.answer import answer, table
from seawall.app.failure import CommandFailed
from seawall.app.running import read_running
from seawall.app.watch import watch

NODE_HEAD = ("NODE", "ZONE", "SUBNET", "PRIVATE", "PUBLIC", "ENGINE")
TARGET_HEAD = ("TARGET", "ZONE", "STATE", "CONNECTIONS", "LAST PROBE")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", metavar="NAME")
    parser.add_argument("--watch", action="store_true", help="go on showing what is")


def run(args: argparse.Namespace) -> int:
    from botocore.exceptions import ClientError  # boto3 takes a while to import

    from seawall.app.balancer_view import BalancerView
    from seawall.app.clients import Clients

    clients = Clients(read_running(args.state_dir))

    def look() -> list[dict[str, Any]]:
        return BalancerView(clients, args.state_dir).balancers(args.name)

    try:
        if args.watch:
            watch(lambda: lines(look()))
            return 0
        found = look()
    except ClientError as error:
        raise CommandFailed(error.response["Error"]["Message"]) from None
    answer(args.output, found, lines(found))
    return 0


def lines(balancers: list[dict[str, Any]]) -> Iterator[str]:
    if not balancers:
        yield "There are no load balancers."
    for number, balancer in enumerate(balancers):
        if number:
            yield ""
        yield "{name}: {type}, {scheme}, {state}, {dns_name}".format_map(balancer)
        nodes = [
            [node[key] for key in ("interface", *map(str.lower, NODE_HEAD[1:]))] for node in balancer["nodes"]
        ]
        yield from _indented(table(NODE_HEAD, nodes), 2)
        for listener in balancer["listeners"]:
            yield f"  listener {listener['protocol']}:{listener['port']}"
            yield from _indented(_rules(listener["rules"]), 4)
        for group in balancer["target_groups"]:
            yield from _indented(_group(group), 2)


def _rules(rules: list[dict[str, Any]]) -> list[str]:
    rows = [
        [rule["priority"], " and ".join(rule["conditions"]) or "anything", "; ".join(rule["actions"])]
        for rule in rules
    ]
    return table(("RULE", "IF", "THEN"), rows)


def _group(group: dict[str, Any]) -> Iterator[str]:
    targets = group["targets"]
    healthy = sum(target["state"] == "healthy" for target in targets)
    yield (
        f"target group {group['name']} {group['protocol']}:{group['port']}, {group['check']}:"
        f" {healthy} of {len(targets)} healthy"
    )
    if targets:
        rows = [
            [target["id"], target["zone"], target["state"], str(target["connections"]), _probe(target)]
            for target in targets
        ]
        yield from _indented(table(TARGET_HEAD, rows), 2)
    for commands, verdicts in _verdicts(targets).items():
        more = f" (and {len(verdicts) - 1} more)" if len(verdicts) > 1 else ""
        yield f"  packets: {verdicts[0]}{more}"
        yield from (f"      {command}" for command in commands)


def _probe(target: dict[str, Any]) -> str:
    """The newest one of any node; what drains has none."""
    if target["state"] == "draining":
        return "(it finishes what it has)"
    seen = [probe for probe in target["probes"] if "seconds_ago" in probe]
    if not seen:
        return target["description"] or "none yet"
    newest = min(seen, key=lambda probe: probe["seconds_ago"])
    said = target["description"] or newest["text"] or newest["state"]
    return f"{said}, {newest['seconds_ago']:.0f} s ago"


def _verdicts(targets: list[dict[str, Any]]) -> dict[tuple[str, ...], list[str]]:
    """What becomes of probes, by what would mend it."""
    found: dict[tuple[str, ...], list[str]] = {}
    for probe in (probe for target in targets for probe in target["probes"] if "verdict" in probe):
        same = found.setdefault(tuple(probe.get("commands", ())), [])
        if probe["verdict"] not in same:
            same.append(probe["verdict"])
    return found


def _indented(given: Any, by: int) -> Iterator[str]:
    return (" " * by + line for line in given)
