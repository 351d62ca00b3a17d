"""The port through which the loop of services starts tasks: what a task is made of, the API knows."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from seawall.model.service import Deployment, Service, ServiceRevision
from seawall.model.service_launch import Launch
from seawall.store.store import Reader, Transaction


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
        """How many more tasks each subnet has addresses for; a subnet that is gone has none."""
