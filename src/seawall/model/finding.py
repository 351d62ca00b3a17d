"""Why a task ended as it did: found at the moment it failed, kept with the task."""

from datetime import datetime
from typing import Literal

import msgspec

Category = Literal["network", "permission", "registry", "secret", "image", "logs", "container", "platform"]


class Phase(msgspec.Struct, frozen=True, kw_only=True):
    """One part of a task's way.  `ended` is None while it lasts; `text` says how far it has come.

    container   None: it concerns the whole task
    """

    name: str
    began: datetime
    ended: datetime | None = None
    container: str | None = None
    text: str = ""


class TaskFailure(msgspec.Struct, frozen=True, kw_only=True):
    """The step that failed first, as the host told; the members are those of program.report.Failure."""

    container: str
    step: str
    cause: str
    text: str
    url: str | None = None
    address: str | None = None
    attempts: int = 1


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """The first cause.

    cause      one plain sentence without a final full stop
    missing    what to look at: kind -> id, e.g. {"route_table": "rtb-1"}
    commands   lines for a shell that mend it; words in capitals within <> are the user's to fill in
    advice     where no line can mend it: what to do instead
    packets    what was seen of the network: names asked, answers, packets sent and what became of them
    """

    category: Category
    cause: str
    missing: dict[str, str] = {}
    commands: tuple[str, ...] = ()
    advice: str = ""
    packets: tuple[str, ...] = ()
