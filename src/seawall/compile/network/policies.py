"""Policies: one number for each combination of security groups and, where it has one, a subnet's own ACL.

It is the low half of a packet's mark.  0 stands for neither groups nor ACL.
"""

from collections.abc import Collection, Iterable, Mapping

import msgspec

from seawall.compile.network.contribution import Member
from seawall.compile.network.numbers import assign
from seawall.compile.network.placement import Placed
from seawall.compile.network.skeletons import POLICY_MASK


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


class Policies(msgspec.Struct, frozen=True, kw_only=True):
    """A catalog, and the policy of each of the VPC's own interfaces by its id."""

    catalog: Catalog
    of_interface: Mapping[str, Policy]

    def of(self, interface_id: str) -> int:
        return self.catalog.number(self.of_interface[interface_id])


def member_policy(member: Member) -> Policy:
    return Policy(tuple(sorted(member.group_ids)))


def number_policies(
    interfaces: Iterable[Placed], members: Iterable[Member], bounded: Collection[str]
) -> Policies:
    """`bounded` are the subnets with an ACL that does not allow everything."""
    of_interface = {
        p.interface.id: Policy(
            tuple(sorted(p.interface.group_ids)), p.subnet.id if p.subnet.id in bounded else ""
        )
        for p in interfaces
    }
    own = {policy.key: policy for policy in of_interface.values() if policy != NOTHING}
    every = {policy.key: policy for policy in map(member_policy, members)} | own
    return Policies(
        catalog=Catalog(
            numbers=assign(every, 1, POLICY_MASK),
            own=tuple(own[key] for key in sorted(own)),
            all=tuple(every[key] for key in sorted(every)),
        ),
        of_interface=of_interface,
    )
