"""Where and when something is made."""

from datetime import datetime
from typing import Protocol


class Arns(Protocol):
    """Makes ARNs of an account, of its ECS unless another service is named."""

    def arn(self, resource: str, /, *, service: str | None = None, region: str | None = None) -> str: ...


class Moment(Arns, Protocol):
    """An account's ECS in a region, at a time: a `Call` is one, and so is each launch of a service."""

    @property
    def account(self) -> str: ...

    @property
    def region(self) -> str: ...

    @property
    def now(self) -> datetime: ...
