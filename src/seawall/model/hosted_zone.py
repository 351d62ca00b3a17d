"""Route 53: hosted zones and their record sets."""

import re
from datetime import datetime

import msgspec

from seawall.model.resource import Ref, Resource, Tags, kind

_ESCAPE = re.compile(r"\\([0-3][0-7]{2})")


def zone_file_text(text: str) -> str:
    """Route 53 writes characters as octal escapes (an asterisk is \\052), zone files as decimal ones."""
    return _ESCAPE.sub(lambda found: f"\\{int(found[1], 8):03d}", text)


class AliasTarget(msgspec.Struct, frozen=True, kw_only=True):
    hosted_zone_id: str
    dns_name: str  # lower case, with the last dot
    evaluate_target_health: bool


@kind("hosted_zone")
class HostedZone(Resource, frozen=True, kw_only=True):
    """`id` is Z and up to 31 characters.  A private zone answers only in its VPCs.

    managed_by   the ARN of the Cloud Map namespace that alone may change and delete it
    """

    name: str  # lower case, with the last dot, escapes as Route 53 writes them
    caller_reference: str
    comment: str = ""
    private: bool = False
    vpc_ids: tuple[str, ...] = ()
    name_servers: tuple[str, ...] = ()
    create_time: datetime
    managed_by: str | None = None
    tags: Tags = {}

    def refs(self) -> tuple[Ref, ...]:
        return tuple(Ref("vpc", vpc) for vpc in self.vpc_ids)


@kind("record_set")
class RecordSet(Resource, frozen=True, kw_only=True):
    """One resource record set; several of one name and type differ in `set_identifier`."""

    hosted_zone_id: str
    name: str  # lower case, with the last dot
    type: str  # A, AAAA, CNAME, TXT, MX, SRV, NS, SOA, CAA, PTR
    ttl: int | None = None  # None: an alias
    values: tuple[str, ...] = ()
    alias: AliasTarget | None = None
    set_identifier: str | None = None
    weight: int | None = None
    failover: str | None = None  # PRIMARY or SECONDARY
    multi_value_answer: bool | None = None
    health_check_id: str | None = None

    def refs(self) -> tuple[Ref, ...]:
        return (Ref("hosted_zone", self.hosted_zone_id),)
