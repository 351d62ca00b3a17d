"""Policies: one number for each combination of security groups and, where it has one, a subnet's own ACL.

It is the low half of a packet's mark.  0 stands for neither groups nor ACL.
"""

from collections.abc import Collection, Iterable, Mapping

import msgspec

from seawall.compile.network.contribution import Member
from seawall.compile.network.memory import Memory
from seawall.compile.network.numbers import assign
from seawall.compile.network.placement import Placed
from seawall.compile.network.skeletons import POLICY_MASK
from seawall.program.shelves import Shelves


class Policy(msgspec.Struct, frozen=True):
    groups: tuple[str, ...]  # sorted
    bounded: str = ""  # the subnet whose ACL has to be asked

    @property
    def key(self) -> str:
        return f"{','.join(self.groups)}|{self.bounded}"


NOTHING = Policy(())


class Catalog(msgspec.Struct, frozen=True, kw_only=True):
    """All policies of a VPC.  `own` are those of its own interfaces; `all` has those of peered VPCs, too."""

    numbers: Mapping[str, int]  # by Policy.key
    own: tuple[Policy, ...]
    all: tuple[Policy, ...]

    def number(self, policy: Policy) -> int:
        return self.numbers.get(policy.key, 0)

    def with_group(self, group_id: str) -> list[int]:
        """The numbers of all policies that contain a group."""
        return sorted(self.number(policy) for policy in self.all if group_id in policy.groups)


def member_policy(member: Member) -> Policy:
    return Policy(tuple(sorted(member.group_ids)))


def own_policies(
    interfaces: Shelves[Placed], bounded: Collection[str], memory: Memory, vpc_id: str
) -> Mapping[str, Policy]:
    """Those of a VPC's interfaces by key.  Most have one of a few."""
    known = memory.each(("own policies", vpc_id), _policy_of, interfaces, bounded)
    by_shelf = memory.each(("policies of shelves", vpc_id), _different, Shelves((known.shelves,)))
    return {policy.key: policy for policy in by_shelf}


def _policy_of(placed: Placed, bounded: Collection[str]) -> tuple[Policy]:
    return (interface_policy(placed, bounded),)


def _different(policies: tuple[Policy, ...]) -> tuple[Policy, ...]:
    return tuple(dict.fromkeys(policies))


def interface_policy(placed: Placed, bounded: Collection[str]) -> Policy:
    """`bounded` are the subnets with an ACL that does not allow everything."""
    subnet = placed.subnet.id
    return Policy(tuple(sorted(placed.interface.group_ids)), subnet if subnet in bounded else "")


def number_policies(own: Mapping[str, Policy], peers: Iterable[Policy]) -> Catalog:
    """`own` are the policies of the VPC's interfaces by key, `peers` those of its members."""
    of_own = {key: own[key] for key in sorted(own) if own[key] != NOTHING}
    every = {policy.key: policy for policy in peers} | of_own
    return Catalog(
        numbers=assign(every, 1, POLICY_MASK),
        own=tuple(of_own.values()),
        all=tuple(every[key] for key in sorted(every)),
    )
