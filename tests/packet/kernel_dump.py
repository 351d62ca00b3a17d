"""Everything that the kernel shows of a world's networks, to be compared; what only counts is left out."""

import json
import re
import socket
import subprocess
import time
from collections import Counter
from typing import Any

from tests.packet.lab import Lab

from seawall.program.network import NetworkProgram

QUESTIONS = (
    ["address"],
    ["-4", "route", "show", "table", "all"],
    ["-6", "route", "show", "table", "all"],
    ["-4", "rule"],
    ["-6", "rule"],
    ["neighbour", "show", "nud", "permanent"],
)
# Counted, or numbered by the kernel; and a table's name says how often it was made anew.
FLEETING = frozenset(("handle", "bytes", "packets", "table", "link_netnsid"))
VANISHING_S = 10.0  # the kernel takes links of removed namespaces down behind the scenes


Dump = dict[str, dict[str, list[str]]]  # by namespace and question


def kernel_dump(lab: Lab, namespace: str) -> dict[str, list[str]]:
    """What each question, and each set and chain of the packet policy, holds; sorted."""
    found: dict[str, list[str]] = {}
    with lab.namespaces.inside(namespace):
        for question in QUESTIONS:
            said = subprocess.run(["ip", "-json", "-details", *question], capture_output=True, check=True)
            found[" ".join(question)] = sorted(map(_plain, json.loads(said.stdout or b"[]")))
        said = subprocess.run(["nft", "-json", "list", "ruleset"], capture_output=True, check=True)
    chains: dict[str, list[str]] = {}
    for entry in json.loads(said.stdout)["nftables"]:
        ((kind, body),) = entry.items()
        if kind == "rule":
            chains.setdefault(f"chain {body['chain']}", []).append(_plain(body))
        elif kind in ("set", "map") and _is_ours(body):
            found[f"{kind} {body['name']}"] = sorted(map(_plain, body.pop("elem", [])))
            found[f"{kind} {body['name']} itself"] = [_plain(body)]
        elif kind == "chain":
            found[f"chain {body['name']} itself"] = [_plain(body)]
    return found | chains


def world_dump(lab: Lab, program: NetworkProgram) -> Dump:
    """Of all namespaces, once the links that left are gone."""
    expected: dict[str, set[str]] = {space.name: {"lo"} for space in program.namespaces}
    for link in program.links:
        for end in (link.router, link.host):
            expected[end.namespace].add(end.name)
    deadline = time.monotonic() + VANISHING_S
    while time.monotonic() < deadline and not all(_links(lab, n) == e for n, e in expected.items()):
        pass
    return {name: kernel_dump(lab, name) for name in sorted(lab.namespaces.names())}


def _links(lab: Lab, namespace: str) -> set[str]:
    with lab.namespaces.inside(namespace):
        return {name for _, name in socket.if_nameindex()}


def _is_ours(body: dict[str, Any]) -> bool:
    """Neither a seal nor what is kept of the past, nor what packets write."""
    dynamic = "dynamic" in body.get("flags", ())
    return not (dynamic or re.match(r"applied|released", body["name"]))


def _plain(value: Any) -> str:
    return json.dumps(_without_fleeting(value), sort_keys=True)


def _without_fleeting(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_fleeting(v) for name, v in value.items() if name not in FLEETING}
    if isinstance(value, list) and value and isinstance(value[0], dict) and "prefixlen" in value[0]:
        return sorted(
            (_without_fleeting(v) for v in value), key=str
        )  # addresses, in the order of their making
    if isinstance(value, list):
        return [_without_fleeting(v) for v in value]
    return value


def dump_difference(one: Dump, other: Dump) -> list[str]:
    """Lines "NAMESPACE QUESTION - ENTRY" for what only the first has, "+" for the second."""
    found = []
    for name in sorted(one.keys() | other.keys()):
        before, after = one.get(name, {}), other.get(name, {})
        for question in sorted(before.keys() | after.keys()):
            lost = Counter(before.get(question, ())) - Counter(after.get(question, ()))
            come = Counter(after.get(question, ())) - Counter(before.get(question, ()))
            found += [f"{name} {question} - {entry}" for entry in lost.elements()]
            found += [f"{name} {question} + {entry}" for entry in come.elements()]
    return found
