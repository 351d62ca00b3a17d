"""What came of launching a service's tasks.  Not stored: the API's launcher tells it the loop of services."""

from typing import Literal

import msgspec

from seawall.model.task import Task

RefusalKind = Literal["placement", "configuration", "throttled"]


class LaunchRefusal(msgspec.Struct, frozen=True):
    """Why no more tasks were started.

    placement      there is no room: "was unable to place a task. Reason: REASON."
    configuration  no task can be made of this: "failed to launch a task with (error REASON)."
    throttled      too many launches in too short a time: "operations are being throttled."

    reason   AWS's words, for the event's text
    """

    kind: RefusalKind
    reason: str


class Launch(msgspec.Struct, frozen=True):
    """What was started, in the order of the subnets asked for, and why that is not all of it."""

    tasks: tuple[Task, ...] = ()
    refusal: LaunchRefusal | None = None
