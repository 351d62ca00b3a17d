"""Capacity provider strategies over the two providers every account has: FARGATE and FARGATE_SPOT.

Source: CapacityProviderStrategyItem of the service model; "Fargate capacity providers" of the guide.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from seawall.api.ecs.names import check_count, invalid_parameter
from seawall.model.service import CapacityProviderStrategyItem

PROVIDERS = ("FARGATE", "FARGATE_SPOT")
Strategy = tuple[dict[str, Any], ...]


def read_providers(names: Sequence[str]) -> tuple[str, ...]:
    """The names of providers for a cluster.  Raises ApiError for one that does not exist."""
    for name in names:
        if name not in PROVIDERS:
            raise invalid_parameter(f"The specified capacity provider '{name}' was not found.")
    return tuple(dict.fromkeys(names))


def read_strategy(items: Sequence[Mapping[str, Any]], associated: Sequence[str]) -> Strategy:
    """A strategy whose providers all belong to the cluster, with weight and base filled in."""
    check_count(items, 20, "capacityProviderStrategy")
    strategy = tuple(
        {
            "capacityProvider": provider_name(item["capacityProvider"]),
            "weight": item.get("weight", 0),
            "base": item.get("base", 0),
        }
        for item in items
    )
    if any(item["capacityProvider"] not in associated for item in strategy):
        raise invalid_parameter(
            "The specified capacity provider strategy cannot contain a capacity provider that is not"
            " associated with the cluster. Associate the capacity provider with the cluster or specify a"
            " valid capacity provider and try again."
        )
    if len({item["capacityProvider"] for item in strategy}) < len(strategy):
        raise invalid_parameter(
            "The specified capacity provider strategy cannot contain duplicate capacity providers."
        )
    return strategy


def check_default(strategy: Strategy) -> Strategy:
    """A cluster's default strategy.  It may do without weights: what is placed by it is refused then.

    Raises ApiError.
    """
    if _bases(strategy) > 1:
        raise invalid_parameter(
            "The specified capacity provider strategy contains multiple capacity providers with a base value"
            " defined."
        )
    return strategy


def check_placing(strategy: Strategy) -> Strategy:
    """A strategy that tasks are placed by, whether given or the cluster's.  Raises ApiError."""
    if _bases(strategy) > 1:
        raise invalid_parameter(
            "There are multiple capacity providers in the specified capacity provider strategy with a base"
            " value defined."
        )
    if strategy and not any(item["weight"] for item in strategy):
        raise invalid_parameter(
            "There are no capacity providers in the capacity provider strategy with a weight value greater"
            " than zero."
        )
    return strategy


def _bases(strategy: Strategy) -> int:
    return sum(1 for item in strategy if item["base"])


def items_of(strategy: Strategy) -> tuple[CapacityProviderStrategyItem, ...]:
    return tuple(
        CapacityProviderStrategyItem(
            capacity_provider=item["capacityProvider"], weight=item["weight"], base=item["base"]
        )
        for item in strategy
    )


def next_providers(
    strategy: Sequence[CapacityProviderStrategyItem], placed: Mapping[str | None, int]
) -> Iterator[str]:
    """The provider of each further task, without end: the base first, then shares by weight.

    placed   how many tasks of these run already, by provider
    """
    counts = {item.capacity_provider: placed.get(item.capacity_provider, 0) for item in strategy}
    weighted = [item for item in strategy if item.weight]

    def share(item: CapacityProviderStrategyItem) -> float:
        return (counts[item.capacity_provider] - item.base + 1) / item.weight

    while True:
        # Who lacks of the base, else who is furthest below its share, takes the next one.
        lacking = next((item for item in strategy if counts[item.capacity_provider] < item.base), None)
        chosen = (lacking or min(weighted, key=share)).capacity_provider
        counts[chosen] += 1
        yield chosen


def provider_name(name: str) -> str:
    """Of a provider that goes by its name or its ARN."""
    return name.rsplit("/", 1)[-1] if name.startswith("arn:") else name
