"""Whether the services that tasks need on their way up are there: the control plane serves them, and may die.

A pull that finds nobody because the control plane was just killed says nothing about the network.  Such
a failure is no answer; the step is done again once the services are back.
"""

import asyncio

from seawall.program.report import Failure, FailureStep

AWAY = -1
SETTLE_S = 0.1  # a process that dies closes its sockets one after the other

_OVER_NETWORK: frozenset[FailureStep] = frozenset(
    {"registry_auth", "secrets", "environment_files", "pull", "logs"}
)
_ANSWERS = frozenset({"denied", "not_found"})


def is_unanswered(failure: Failure) -> bool:
    """Whether a step may have failed because the services were not there."""
    return failure.step in _OVER_NETWORK and failure.cause not in _ANSWERS


class Upstream:
    """`lost` and `found` are told by the connection to the control plane."""

    def __init__(self) -> None:
        self._there = asyncio.Event()
        self._losses = 0

    def found(self) -> None:
        self._there.set()

    def lost(self) -> None:
        self._there.clear()
        self._losses += 1

    def mark(self) -> int:
        """Remember this before a step, for `was_away`."""
        return self._losses if self._there.is_set() else AWAY

    async def was_away(self, mark: int) -> bool:
        """Whether the services were missing at any time since `mark`; returns when they are back."""
        await asyncio.sleep(SETTLE_S)
        if self._there.is_set() and self._losses == mark:
            return False
        await self._there.wait()
        return True
