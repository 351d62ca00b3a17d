"""The operations Seawall serves.  Each registers itself where it is written; nothing lists them."""

import importlib
import inspect
import pkgutil
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from seawall.api.params import Params
from seawall.iam.principal import Principal
from seawall.store.store import Store, Transaction
from seawall.wire.errors import ApiError, NotImplementedHere

Answer = dict[str, Any]
Handler = Callable[["Call", Params], Answer | Awaitable[Answer]]


@dataclass(frozen=True)
class Operation:
    """One served operation and the truth about its members.

    stored   members that are kept and described but change nothing that runs, each with the reason
    refused  members (or values of them) that are answered with an error, each with the reason
    note     anything else a user must know about how far this operation goes
    """

    service: str
    name: str
    handler: Handler
    stored: Mapping[str, str]
    refused: Mapping[str, str]
    note: str


_operations: dict[tuple[str, str], Operation] = {}


def operation(
    service: str,
    name: str,
    *,
    stored: Mapping[str, str] | None = None,
    refused: Mapping[str, str] | None = None,
    note: str = "",
) -> Callable[[Handler], Handler]:
    """Register a function as the implementation of an AWS operation.

    `service` is botocore's service name ("ec2", "ecs", "logs", "ecr", "sts", "iam").
    Raises ValueError when two functions claim one operation.
    """

    def register(handler: Handler) -> Handler:
        if (service, name) in _operations:
            raise ValueError(f"{service}:{name} is registered twice")
        _operations[service, name] = Operation(service, name, handler, stored or {}, refused or {}, note)
        return handler

    return register


def load_operations() -> Mapping[tuple[str, str], Operation]:
    """Import every module under seawall.api and return all operations by (service, name)."""
    import seawall.api as package

    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        importlib.import_module(module.name)
    return _operations


@dataclass
class Call:
    """One request on its way: who asks, when, and the store it may read and write."""

    store: Store
    principal: Principal
    account: str
    region: str
    service: str
    operation: str
    request_id: str
    now: datetime
    params: Params = field(default_factory=lambda: Params({}))
    partition: str = "aws"
    resources: Mapping[str, Any] = field(
        default_factory=dict
    )  # ports to the outside, by name (e.g. "registry")
    refused: Mapping[str, ApiError] = field(default_factory=dict)  # resources the caller may not use, by ARN
    wrote: bool = False  # its transaction is committed

    def arn(self, resource: str, *, service: str | None = None, region: str | None = None) -> str:
        """The ARN of a resource of this account, e.g. call.arn("cluster/default")."""
        where = self.region if region is None else region
        return f"arn:{self.partition}:{service or self.service}:{where}:{self.account}:{resource}"

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """The operation's one transaction.  Commits only if every given member was looked at and this is
        no dry run; otherwise all of it is undone and the caller is told."""
        with self.store.write() as txn:
            yield txn
            self.refuse_unread()
            self.refuse_dry_run()
        self.wrote = True

    def refuse_unread(self) -> None:
        known = _operations[self.service, self.operation]
        quiet = {*known.stored, "DryRun"}
        ignored = [path for path in self.params.unread() if path not in quiet]
        if ignored:
            names = ", ".join(sorted(set(ignored)))
            raise NotImplementedHere(
                f"{self.operation}: Seawall does not support {names}. Nothing was changed."
            )

    def refuse_dry_run(self) -> None:
        if self.service == "ec2" and self.params.get("DryRun"):
            raise ApiError(
                "DryRunOperation", "Request would have succeeded, but DryRun flag is set.", status=412
            )


async def invoke(call: Call, params: dict[str, Any]) -> Answer:
    """Run an operation with parsed, validated parameters.

    Raises ApiError; NotImplementedHere when the operation or a member it was given is not served.
    """
    known = _operations.get((call.service, call.operation))
    if known is None:
        raise NotImplementedHere(
            f"The operation {call.service}:{call.operation} is not implemented by Seawall."
        )
    call.params = Params(params)
    answer = known.handler(call, call.params)
    if inspect.isawaitable(answer):
        answer = await answer
    call.refuse_unread()
    call.refuse_dry_run()
    return answer
