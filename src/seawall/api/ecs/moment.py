"""Where and when something is made."""

from datetime import datetime
from typing import Protocol


class Moment(Protocol):
    """An account's ECS in a region, at a time: a `Call` is one, and so is each launch of a service."""

    @property
    def account(self) -> str: ...

    @property
    def region(self) -> str: ...

    @property
    def now(self) -> datetime: ...

    def arn(self, resource: str, /, *, service: str | None = None, region: str | None = None) -> str: ...
