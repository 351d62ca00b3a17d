"""What an operation asks permission for: its actions, on which resources, in which circumstances.

A service declares it in `api/<service>/access.py`, one line per operation that is not the usual case.  The
usual case needs none: action "<iam prefix>:<Operation>" on "*".

    access("ecs", "StopTask", resources=_task, context=_cluster)
    also("ecs", "RunTask", action="iam:PassRole", resources=_roles, context=_passed_to_tasks)
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from seawall.iam.policy.document import Policy
from seawall.iam.principal import Principal
from seawall.store.store import Reader

Plain = Mapping[str, Any]  # an operation's parsed parameters, botocore's member names
Context = Mapping[str, str | Sequence[str]]  # condition key -> its value, or its values if it has many


@dataclass(frozen=True)
class CallFacts:
    """What a declaration may look at besides the parameters."""

    store: Reader
    account: str
    region: str
    now: datetime
    principal: Principal
    partition: str = "aws"

    def arn(self, service: str, resource: str, *, region: str | None = None) -> str:
        """facts.arn("ecs", "cluster/default"); region="" for services without regions."""
        where = self.region if region is None else region
        return f"arn:{self.partition}:{service}:{where}:{self.account}:{resource}"


class Target(NamedTuple):
    """One resource with condition keys of its own.

    tags       become aws:ResourceTag/KEY and <service>:ResourceTag/KEY
    policies   the resource's own, beside those that `resource_policies` gives for all
    """

    arn: str
    tags: Mapping[str, str] = {}
    context: Context = {}
    policies: tuple[Policy, ...] = ()


Resources = Callable[[Plain, CallFacts], Iterable[str | Target]]
ContextOf = Callable[[Plain, CallFacts], Context]
ResourcePolicies = Callable[[Plain, CallFacts], Iterable[Policy]]


@dataclass(frozen=True)
class Access:
    """One action that an operation needs on each of its resources.

    resources          none given: "*".  One that gives nothing means "*" for the operation's own action, and
                       that nothing is asked for a further one.
    context            condition keys of the request, beside the global ones
    resource_policies  those of the resource, e.g. a bucket's; they grant by themselves
    governed           the resource's policies alone decide who may (KMS keys, trust policies): other policies
                       count only as far as these delegate to the account
    free               never denied, whatever policies say
    behind             asked by the service in its caller's name: it does not come through a VPC endpoint
    apart              each resource by itself: the operation tells of denied ones, and does the others
    """

    action: str | Callable[[Plain, CallFacts], str]
    resources: Resources | None = None
    context: ContextOf | None = None
    resource_policies: ResourcePolicies | None = None
    governed: bool = False
    free: bool = False
    further: bool = False
    behind: bool = False
    apart: bool = False


# botocore's service name -> the prefix of its actions, where they differ
_PREFIXES = {
    "elbv2": "elasticloadbalancing",
    "resourcegroupstaggingapi": "tag",
    "service-quotas": "servicequotas",
}

_own: dict[tuple[str, str], Access] = {}
_further: dict[tuple[str, str], list[Access]] = {}


def access(
    service: str,
    operation: str,
    *,
    action: str | Callable[[Plain, CallFacts], str] | None = None,
    resources: Resources | None = None,
    context: ContextOf | None = None,
    resource_policies: ResourcePolicies | None = None,
    governed: bool = False,
    free: bool = False,
    apart: bool = False,
) -> None:
    """Declare the operation's own action.  Raises ValueError when it has been declared already."""
    if (service, operation) in _own:
        raise ValueError(f"the access of {service}:{operation} is declared twice")
    _own[service, operation] = Access(
        action or default_action(service, operation),
        resources,
        context,
        resource_policies,
        governed,
        free,
        apart=apart,
    )


def also(
    service: str,
    operation: str,
    *,
    action: str | Callable[[Plain, CallFacts], str],
    resources: Resources,
    context: ContextOf | None = None,
    resource_policies: ResourcePolicies | None = None,
    governed: bool = False,
    behind: bool = False,
    apart: bool = False,
) -> None:
    """Declare a further action that the operation needs, on the resources that there are (maybe none)."""
    _further.setdefault((service, operation), []).append(
        Access(
            action,
            resources,
            context,
            resource_policies,
            governed,
            further=True,
            behind=behind,
            apart=apart,
        )
    )


def accesses(service: str, operation: str) -> list[Access]:
    """All that an operation asks for: its own action first."""
    own = _own.get((service, operation)) or Access(default_action(service, operation))
    return [own, *_further.get((service, operation), ())]


def default_action(service: str, operation: str) -> str:
    return f"{_PREFIXES.get(service, service)}:{operation}"


def declared() -> set[tuple[str, str]]:
    """Every (service, operation) of which something is declared."""
    return {*_own, *_further}
