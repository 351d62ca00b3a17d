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
    max_entries: int
    entries: tuple[PrefixListEntry, ...]
    version: int = 1
    history: tuple[tuple[PrefixListEntry, ...], ...] = ()  # entries of versions 1, 2, ... before this one
    state: str = "create-complete"
    state_message: str | None = None
    tags: Tags = {}

    @property
    def is_aws_managed(self) -> bool:
        return self.owner_id == "AWS"

    @property
    def weight(self) -> int:
        """How many entries a rule or route that names it takes out of a quota, however many it has.

        Source: VPC user guide, "AWS-managed prefix list weight" (Amazon S3: 1) and "Managed prefix lists".
        """
        return 1 if self.is_aws_managed else self.max_entries
