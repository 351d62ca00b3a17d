"""Managed prefix lists: named sets of blocks for routes and security-group rules."""

import msgspec

from seawall.model.resource import Resource, Tags, kind


class PrefixListEntry(msgspec.Struct, frozen=True, kw_only=True):
    cidr: str
    description: str | None = None


@kind("prefix_list")
class PrefixList(Resource, frozen=True, kw_only=True):
    """`entries` are those of the current version.  `owner_id` is "AWS" for AWS's own lists."""

    name: str
    owner_id: str
    address_family: str  # "IPv4" or "IPv6"
    max_entries: int  # what a rule or route that names it takes out of quotas, however many there are
    entries: tuple[PrefixListEntry, ...]
    version: int = 1
    history: tuple[tuple[PrefixListEntry, ...], ...] = ()  # entries of versions 1, 2, ... before this one
    state: str = "create-complete"
    state_message: str | None = None
    tags: Tags = {}

    @property
    def is_aws_managed(self) -> bool:
        return self.owner_id == "AWS"
