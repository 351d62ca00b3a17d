"""DescribeCapacityProviders: the two that every account has.

Sources: CapacityProvider of the service model; the command reference's example of its answer.
"""

from typing import Any

from seawall.api.ecs.capacity_provider import PROVIDERS, provider_name
from seawall.api.ecs.names import check_choice, check_count, find_cluster, invalid_parameter, page_of
from seawall.api.params import Params
from seawall.api.registry import Call, operation

MOST_DESCRIBED = 100
PAGE = 10


@operation(
    "ecs",
    "DescribeCapacityProviders",
    note="FARGATE and FARGATE_SPOT: there are no container instances that others could be made of.",
)
def describe_capacity_providers(call: Call, params: Params) -> dict[str, Any]:
    asked, size = params.get("capacityProviders") or (), params.get("maxResults", PAGE)
    for field in params.get("include") or ():
        check_choice(field, ("TAGS",), "include")
    check_count(asked, MOST_DESCRIBED, "capacityProviders")
    if not 1 <= size <= PAGE:
        raise invalid_parameter(f"MaxResults must be between 1 and {PAGE}, but was {size}")
    wanted = [*dict.fromkeys(asked)] or [*PROVIDERS]
    known = [name for name in PROVIDERS if name in map(provider_name, wanted)]
    if params.get("cluster"):
        associated = find_cluster(call, call.store, params["cluster"]).capacity_providers
        known = [name for name in known if name in associated]
    page, rest = page_of(known, size, params.get("nextToken"), str)
    missing = [text for text in wanted if provider_name(text) not in PROVIDERS]
    return {
        "capacityProviders": [_show(call, name) for name in page],
        "failures": [{"arn": _arn(call, text), "reason": "MISSING"} for text in missing],
        **rest,
    }


def _show(call: Call, name: str) -> dict[str, Any]:
    return {
        "capacityProviderArn": _arn(call, name),
        "name": name,
        "status": "ACTIVE",
        "tags": [],
        "type": name,
    }


def _arn(call: Call, text: str) -> str:
    return text if text.startswith("arn:") else call.arn(f"capacity-provider/{text}")
