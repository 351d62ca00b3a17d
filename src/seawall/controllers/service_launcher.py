"""The port through which the loop of services starts tasks.  What a task is made of is the API's knowledge."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, Protocol

import msgspec

from seawall.model.service import Deployment, Service, ServiceRevision
from seawall.model.task import Task
from seawall.store.store import Reader, Transaction

RefusalKind = Literal["placement", "configuration", "throttled"]


class LaunchRefusal(msgspec.Struct, frozen=True):
    """Why no more tasks were started.

    placement      there is no room: "was unable to place a task. Reason: REASON."
    configuration  no task can be made of this: "failed to launch a task with (error REASON)."
    throttled      too many launches in too short a time: "operations are being throttled."

    reason   AWS's words, without a stop at their end
    """

    kind: RefusalKind
    reason: str


class Launch(msgspec.Struct, frozen=True):
    """What was started, in the order of the subnets asked for, and why that is not all of it."""

    tasks: tuple[Task, ...] = ()
    refusal: LaunchRefusal | None = None


class ServiceLauncher(Protocol):
    def launch(
        self,
        txn: Transaction,
        service: Service,
        deployment: Deployment,
        revision: ServiceRevision,
        subnet_ids: Sequence[str],
        now: datetime,
    ) -> Launch:
        """Write one task and its interface for each of `subnet_ids`.

        The capacity provider of each follows the revision's strategy, counting the deployment's tasks that
        are not stopped.  A task whose interface cannot be made is written all the same: it is to stop, and
        says why.
        """

    def free_addresses(self, reader: Reader, subnet_ids: Sequence[str]) -> Mapping[str, int]:
        """How many more tasks each subnet has addresses for; subnets that are gone have none."""
