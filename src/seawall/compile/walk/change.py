"""A change to a network: a line for the AWS CLI, and what it does to the model."""

from collections.abc import Callable
from typing import Any, NamedTuple

from msgspec.structs import replace

from seawall.compile.network.snapshot import NetworkSnapshot


class Change(NamedTuple):
    """`command` is one line to paste; `effect` is what it does to the model."""

    command: str
    effect: Callable[[NetworkSnapshot], NetworkSnapshot]


def put(snapshot: NetworkSnapshot, kind: str, resource: Any) -> NetworkSnapshot:
    """The snapshot with that resource in place of the one of its id, or beside the others."""
    others = tuple(r for r in getattr(snapshot, kind) if r.id != resource.id)
    return replace(snapshot, **{kind: (*others, resource)})


def block_of(address: str) -> str:
    """The block that holds one address and no other."""
    return f"{address}/{128 if ':' in address else 32}"
