"""A CloudWatch Logs group: a name under which streams of events are kept."""

from datetime import datetime
from typing import Literal

from seawall.model.resource import Resource, Tags, kind


@kind("log_group")
class LogGroup(Resource, frozen=True, kw_only=True):
    """`id` is the group's name."""

    creation_time: datetime
    retention_in_days: int | None = None  # None: events never expire
    log_group_class: Literal["STANDARD"] = "STANDARD"
    deletion_protection_enabled: bool = False
    tags: Tags = {}
