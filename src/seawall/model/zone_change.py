"""A change of Route 53, on its way to the servers that answer."""

from datetime import datetime
from typing import Literal

from seawall.model.resource import Resource, kind


@kind("zone_change")
class ZoneChange(Resource, frozen=True, kw_only=True):
    """`id` is C and 20 characters.  INSYNC once the host has it in force."""

    hosted_zone_id: str  # which may be gone
    submitted_at: datetime
    comment: str | None = None
    status: Literal["PENDING", "INSYNC"] = "PENDING"
