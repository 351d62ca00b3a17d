"""awsvpcConfiguration: the subnets and security groups of a task, checked, and one subnet chosen.

Source: AwsVpcConfiguration of the service model; texts as seen from RunTask and CreateService.
"""

from collections import Counter
from collections.abc import Sequence
from typing import TypeVar

import msgspec

from seawall.api.ec2.addressing import free_address_count
from seawall.api.ec2.lookup import look_up
from seawall.api.ecs.names import check_choice, check_count, invalid_parameter
from seawall.api.params import Params
from seawall.model.resource import Ref, Resource
from seawall.model.security_group import SecurityGroup
from seawall.model.subnet import Subnet
from seawall.model.vpc import Vpc
from seawall.store.store import Reader
from seawall.wire.errors import ApiError

R = TypeVar("R", bound=Resource)
MOST_SUBNETS = 16
MOST_GROUPS = 5


class TaskNetwork(msgspec.Struct, frozen=True, kw_only=True):
    """Where a task may be attached, and how."""

    vpc: Vpc
    subnets: tuple[Subnet, ...]
    group_ids: tuple[str, ...]
    public: bool


def read_network(reader: Reader, configuration: Params | None) -> TaskNetwork:
    """The task's network from `networkConfiguration`.  Raises ApiError InvalidParameterException."""
    given = configuration and configuration.get("awsvpcConfiguration")
    if not given:
        raise invalid_parameter(
            "Network Configuration must be provided when networkMode 'awsvpc' is specified."
        )
    subnet_ids, group_ids = given.get("subnets") or [], given.get("securityGroups") or []
    check_choice(given.get("assignPublicIp"), ("ENABLED", "DISABLED"), "assignPublicIp")
    if not subnet_ids:
        raise invalid_parameter("subnets can not be empty.")
    check_count(subnet_ids, MOST_SUBNETS, "subnets")
    check_count(group_ids, MOST_GROUPS, "securityGroups")
    return find_network(reader, subnet_ids, group_ids, public=given.get("assignPublicIp") == "ENABLED")


def find_network(
    reader: Reader, subnet_ids: Sequence[str], group_ids: Sequence[str], *, public: bool
) -> TaskNetwork:
    """The network of these subnets and groups; no group means the VPC's default one.

    Raises ApiError InvalidParameterException for what is gone or does not belong together.
    """
    subnets = _retrieve(reader, Subnet, subnet_ids, "subnet")
    groups = _retrieve(reader, SecurityGroup, group_ids, "security group")
    vpc = reader.get(Vpc, subnets[0].vpc_id)
    if any(subnet.vpc_id != vpc.id for subnet in subnets):
        raise invalid_parameter("The subnets in the request must all belong to the same VPC.")
    for group in groups:
        if group.vpc_id != vpc.id:
            raise invalid_parameter(
                f"Security group {group.id} does not appear to belong to the same VPC as the input subnets."
            )
    return TaskNetwork(
        vpc=vpc,
        subnets=tuple(subnets),
        group_ids=tuple(group.id for group in groups) or (_default_group(reader, vpc),),
        public=public,
    )


class SubnetChoice:
    """Spreads the tasks of one call over zones and free addresses."""

    def __init__(self, reader: Reader, network: TaskNetwork) -> None:
        self._subnets = network.subnets
        self._free = {subnet.id: free_address_count(reader, subnet) for subnet in network.subnets}
        self._placed: Counter[str] = Counter()  # tasks by availability zone

    def take(self) -> Subnet:
        """The next task's subnet: of the zone with the fewest tasks so far, the one with most free addresses.

        When none has a free address, one of them all the same: the task will say so.
        """
        roomy = [subnet for subnet in self._subnets if self._free[subnet.id] > 0]
        subnet = min(
            roomy or self._subnets, key=lambda s: (self._placed[s.availability_zone], -self._free[s.id])
        )
        self._free[subnet.id] -= 1
        self._placed[subnet.availability_zone] += 1
        return subnet


def _retrieve(reader: Reader, cls: type[R], ids: Sequence[str], words: str) -> list[R]:
    try:
        return [look_up(reader, cls, id) for id in dict.fromkeys(ids)]
    except ApiError as error:
        raise invalid_parameter(
            f"Error retrieving {words} information for [{', '.join(ids)}]: {error.message}"
            f" (ErrorCode: {error.code})"
        ) from None


def _default_group(reader: Reader, vpc: Vpc) -> str:
    groups = reader.referrers(SecurityGroup, Ref("vpc", vpc.id))
    return next(group.id for group in groups if group.name == "default")
