"""The nft program, run inside a namespace."""

import json
import subprocess
from typing import Any

from seawall.host.namespaces import Namespaces
from seawall.host.network.policy import Installed

TABLE_PREFIX = "seawall_"


class NftError(Exception):
    """nft refused a script; the text is its own."""


class Nft:
    def __init__(self, namespaces: Namespaces) -> None:
        self._namespaces = namespaces

    def run(self, namespace: str, script: str) -> None:
        """One transaction.  Raises NftError; then nothing has changed."""
        self._call(namespace, ["nft", "-f", "-"], script)

    def tables(self, namespace: str) -> frozenset[str]:
        """The tables of ours in a namespace."""
        listing = self._json(namespace, "list tables inet")
        return frozenset(
            entry["table"]["name"]
            for entry in listing
            if "table" in entry and entry["table"]["name"].startswith(TABLE_PREFIX)
        )

    def seal(self, namespace: str, table: str) -> tuple[int, str]:
        """The digest of what the table holds, and its number; (0, "") where it does not say."""
        elements = self._elements(namespace, table, "applied")
        seals = [(int(e["elem"]["val"]), str(e["elem"]["comment"])) for e in elements if isinstance(e, dict)]
        return max(seals, default=(0, ""))

    def installed(self, namespace: str, table: str, releasing: list[str]) -> Installed:
        """The names in a table, and the keys of some of its sets."""
        names: dict[str, set[str]] = {"set": set(), "map": set(), "chain": set()}
        for entry in self._json(namespace, f"list table inet {table}", "-t"):
            for kind, found in names.items():
                if kind in entry:
                    found.add(entry[kind]["name"])
        sets = names["set"] | names["map"]
        keys = {
            name: frozenset(_key(e) for e in self._elements(namespace, table, name))
            for name in [*releasing, "released"]
            if name in sets
        }
        return Installed(frozenset(sets), frozenset(names["chain"]), keys)

    def _elements(self, namespace: str, table: str, name: str) -> list[Any]:
        for word in ("set", "map"):
            try:
                listing = self._json(namespace, f"list {word} inet {table} {name}")
            except NftError:
                continue
            for entry in listing:
                if word in entry:
                    return list(entry[word].get("elem", []))
        return []

    def _json(self, namespace: str, command: str, *options: str) -> list[dict[str, Any]]:
        out = self._call(namespace, ["nft", "-j", *options, *command.split()], "")
        return list(json.loads(out)["nftables"])

    def _call(self, namespace: str, command: list[str], script: str) -> str:
        with self._namespaces.inside(namespace):
            process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
        out, err = process.communicate(script)
        if process.returncode != 0:
            raise NftError(f"{namespace}: {err.strip()[:2000]}")
        return out


def _key(element: Any) -> str:
    """The key of a listed element: bare, with a comment, or with a value."""
    if isinstance(element, list):
        return _key(element[0])
    if isinstance(element, dict) and "elem" in element:
        return _key(element["elem"]["val"])
    return str(element)
