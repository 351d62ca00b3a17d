"""The names of load balancers, as resolvers answer them: which addresses, and of which nodes."""

from typing import Any

import pytest
from tests.compile.test_zones_of_vpcs import EDGE, World, hosted, record_set
from tests.packet.balancers import balancer, listener, target, target_group
from tests.packet.world_data import Cloud

from seawall.model.hosted_zone import AliasTarget

NAME = "web-0.elb.us-east-1.amazonaws.com"
ONE, TWO = "198.18.0.1", "198.18.0.2"
GROUP = "app/0"


@pytest.fixture
def cloud() -> Cloud:
    """An internet-facing network load balancer in two zones, each with a healthy target."""
    made = Cloud()
    a = made.vpc("a", enable_dns_support=True)
    one = made.subnet(a, "one", "10.0.1.0/24")
    two = made.subnet(a, "two", "10.0.2.0/24", availability_zone="us-east-1b")
    web = balancer(made, "web", (one, "10.0.1.10"), (two, "10.0.2.10"), kind="net", public=(ONE, TWO))
    listener(made, web, "TCP", 80, target_group(made, "app", "TCP", 80))
    target(made, GROUP, "10.0.1.20", 80)
    target(made, GROUP, "10.0.2.20", 80, availability_zone="us-east-1b")
    return made


def unhealthy(cloud: Cloud, *addresses: str) -> None:
    for address in addresses:
        cloud.change(f"{GROUP}|{address}|80", state="unhealthy", reason="Target.Timeout")


@pytest.mark.parametrize("where", [EDGE, "vpc-a"])
def test_an_internet_facing_one_has_public_addresses_everywhere(cloud: Cloud, where: str) -> None:
    world = World(cloud)
    assert world.ask(where, NAME) == [ONE, TWO]
    assert world.ask(where, f"dualstack.{NAME.upper()}") == [ONE, TWO]
    assert world.ask(where, f"us-east-1b.{NAME}") == [TWO]
    assert world.ask(where, NAME, "AAAA") == 0
    assert world.ask(where, "other-0.elb.us-east-1.amazonaws.com") == 3


def test_an_internal_one_has_private_addresses_everywhere(cloud: Cloud) -> None:
    cloud.change("net/web/0", scheme="internal")
    assert World(cloud).ask(EDGE, NAME) == World(cloud).ask("vpc-a", NAME) == ["10.0.1.10", "10.0.2.10"]


def test_a_zone_without_a_healthy_target_is_left_out(cloud: Cloud) -> None:
    unhealthy(cloud, "10.0.1.20")
    assert World(cloud).ask(EDGE, NAME) == [TWO]
    assert World(cloud).ask(EDGE, f"us-east-1a.{NAME}") == [ONE]


def test_where_no_zone_is_well_all_answer(cloud: Cloud) -> None:
    unhealthy(cloud, "10.0.1.20", "10.0.2.20")
    assert World(cloud).ask(EDGE, NAME) == [ONE, TWO]


def test_every_group_counts(cloud: Cloud) -> None:
    listener(cloud, "net/web/0", "TCP", 81, target_group(cloud, "more", "TCP", 81))
    target(cloud, "more/0", "10.0.2.20", 81, availability_zone="us-east-1b")
    assert World(cloud).ask(EDGE, NAME) == [TWO]


@pytest.mark.parametrize("of", ["net/web/0", GROUP])
def test_across_zones_one_target_is_enough_for_all(cloud: Cloud, of: str) -> None:
    unhealthy(cloud, "10.0.1.20")
    cloud.change(of, attributes={"load_balancing.cross_zone.enabled": "true"})
    assert World(cloud).ask(EDGE, NAME) == [ONE, TWO]


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"count": "2"}, [TWO]),
        ({"count": "off"}, [ONE, TWO]),
        ({"count": "off", "percentage": "60"}, [TWO]),
        ({"count": "1", "percentage": "50"}, [ONE, TWO]),
    ],
)
def test_a_group_says_how_many_targets_have_to_be_well(
    cloud: Cloud, attributes: dict[str, str], expected: list[str]
) -> None:
    """One of two in the first zone, both in the second."""
    target(cloud, GROUP, "10.0.1.21", 80, state="unhealthy")
    target(cloud, GROUP, "10.0.2.21", 80, availability_zone="us-east-1b")
    key = "target_group_health.dns_failover.minimum_healthy_targets"
    cloud.change(GROUP, attributes={f"{key}.{name}": value for name, value in attributes.items()})
    assert World(cloud).ask(EDGE, NAME) == expected


def test_nothing_answers_before_it_is_there_and_after_it_is_gone(cloud: Cloud) -> None:
    cloud.change("net/web/0", state="provisioning")
    assert World(cloud).ask(EDGE, NAME) == 0
    cloud.change("net/web/0", state="active", deleting=True)
    assert World(cloud).ask(EDGE, NAME) == 3


def alias(**members: Any) -> Any:
    to = AliasTarget(hosted_zone_id="Z26RNL4JYFTOTI", dns_name=f"{NAME}.", evaluate_target_health=True)
    return record_set("example.com.", "A", ttl=None, alias=to, **members)


def test_an_alias_answers_with_its_addresses(cloud: Cloud) -> None:
    hosted(cloud, "Z1", "example.com.", alias())
    assert World(cloud).ask(EDGE, "example.com") == [ONE, TWO]
    unhealthy(cloud, "10.0.2.20")
    assert World(cloud).ask(EDGE, "example.com") == [ONE]


def test_failover_goes_by_the_health_of_its_targets(cloud: Cloud) -> None:
    first = alias(set_identifier="1", failover="PRIMARY")
    second = record_set("example.com.", "A", "192.0.2.1", set_identifier="2", failover="SECONDARY")
    hosted(cloud, "Z1", "example.com.", first, second)
    assert World(cloud).ask(EDGE, "example.com") == [ONE, TWO]
    unhealthy(cloud, "10.0.1.20", "10.0.2.20")
    assert World(cloud).ask(EDGE, "example.com") == ["192.0.2.1"]
