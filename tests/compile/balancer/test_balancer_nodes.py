"""Programs of nodes, as far as no engine is needed to judge them."""

from msgspec.structs import replace
from tests.balancer.certificates import certificate
from tests.balancer.engine import NETWORK, Setup, forward, group_id, interface, target

from seawall.compile.balancer.facts import BalancerFacts
from seawall.compile.balancer.nodes import balancer_programs
from seawall.compile.network.memory import Memory
from seawall.model.load_balancer import LoadBalancerNode
from seawall.model.target_group import TargetHealthCheck
from seawall.program.balancer import Check, PoolTarget

ZONES = {"us-east-1a": "eni-a", "us-east-1b": "eni-b"}


def two_zones(setup: Setup) -> BalancerFacts:
    """The load balancer with a node in each of two zones."""
    facts = setup.facts()
    nodes = tuple(
        LoadBalancerNode(availability_zone=zone, subnet_id=f"subnet-{zone}", network_interface_id=eni)
        for zone, eni in ZONES.items()
    )
    return replace(
        facts,
        load_balancers=(replace(facts.load_balancers[0], nodes=nodes),),
        network_interfaces=(interface("eni-a", "10.0.1.5"), interface("eni-b", "10.0.2.5")),
    )


def addresses(facts: BalancerFacts) -> dict[str, list[str]]:
    return {program.id: [t.address for t in program.pools[0].targets] for program in balancer_programs(facts)}


def with_targets(setup: Setup, **attributes: str) -> BalancerFacts:
    setup.listen(forward("one"))
    setup.group("one", attributes={key.replace("__", "."): value for key, value in attributes.items()})
    for zone in ("us-east-1a", "us-east-1b", "us-east-1c", "all"):
        setup.targets.append(target(group_id("one"), f"10.0.0.{ord(zone[-1])}", 80, zone))
    return two_zones(setup)


def test_targets_of_zones_that_are_not_enabled_get_nothing() -> None:
    used = ["10.0.0.97", "10.0.0.98", "10.0.0.108"]
    assert addresses(with_targets(Setup())) == {"eni-a": used, "eni-b": used}


def test_without_cross_zone_a_node_keeps_to_its_zone() -> None:
    own = {"eni-a": ["10.0.0.97", "10.0.0.108"], "eni-b": ["10.0.0.98", "10.0.0.108"]}
    assert addresses(with_targets(Setup(), load_balancing__cross_zone__enabled="false")) == own
    assert addresses(with_targets(Setup(balancer=NETWORK))) == own
    across = Setup(balancer=NETWORK, attributes={"load_balancing.cross_zone.enabled": "true"})
    assert len(addresses(with_targets(across))["eni-a"]) == 3


def test_a_draining_target_stays_and_gets_nothing_new() -> None:
    setup = Setup()
    setup.listen(forward("one"))
    setup.group("one", 8080, 8081)
    setup.targets[0] = replace(setup.targets[0], draining_until=setup.targets[0].registered_at)
    (pool,) = setup.program().pools
    assert [(t.id, t.serving) for t in pool.targets] == [("127.0.0.1:8080", False), ("127.0.0.1:8081", True)]
    assert len({t.server for t in pool.targets}) == 2
    assert all("127" not in t.server and "808" not in t.server for t in pool.targets)


def test_load_balancers_as_targets_are_the_addresses_of_their_nodes() -> None:
    inner = two_zones(Setup())
    outer = Setup(balancer=NETWORK)
    outer.listen(forward("alb"), "TCP")
    outer.group("alb")
    outer.groups[0] = replace(outer.groups[0], target_type="alb")
    outer.targets.append(target(group_id("alb"), inner.load_balancers[0].id, 80, "all"))
    facts = outer.facts()
    both = replace(
        facts,
        load_balancers=facts.load_balancers + inner.load_balancers,
        network_interfaces=facts.network_interfaces + inner.network_interfaces,
    )
    pools = [program.pools for program in balancer_programs(both) if program.pools]
    assert [(t.id, t.address) for t in pools[0][0].targets] == [
        ("10.0.1.5:80", "10.0.1.5"),
        ("10.0.2.5:80", "10.0.2.5"),
    ]


def test_checks_are_the_groups() -> None:
    setup = Setup()
    setup.listen(forward("one"))
    setup.group("one", protocol="HTTPS", version="GRPC")
    setup.groups[0] = replace(
        setup.groups[0],
        health_check=TargetHealthCheck(
            protocol="HTTPS",
            port="8443",
            path="/ok?x",
            interval_seconds=7,
            timeout_seconds=3,
            matcher="0,5-12",
        ),
    )
    (pool,) = setup.program().pools
    assert pool.check == Check(
        protocol="https",
        version="grpc",
        port=8443,
        path="/ok?x",
        codes=((0, 0), (5, 12)),
        interval_s=7,
        timeout_s=3,
        healthy_threshold=5,
        unhealthy_threshold=2,
        user_agent="ELB-HealthChecker/2.0",
    )
    assert pool.server_options == "ssl verify none alpn h2"


def test_fail_open_counts_targets_or_their_share() -> None:
    key = "target_group_health.unhealthy_state_routing.minimum_healthy_targets"
    for attributes, below in (
        ({}, 1),
        ({f"{key}.count": "3"}, 3),
        ({f"{key}.percentage": "50"}, 2),
        ({f"{key}.count": "3", f"{key}.percentage": "34"}, 3),
    ):
        setup = Setup()
        setup.listen(forward("one"))
        setup.group("one", 1, 2, 3, 4, attributes=attributes)
        assert setup.program().pools[0].fail_open_below == below


def test_nothing_is_made_anew_that_did_not_change() -> None:
    memory = Memory()
    setup = Setup(certificates=[certificate("a.example")])
    setup.listen(forward("one"), "HTTPS", certificate_arns=(setup.certificates[0].arn,))
    setup.group("one", 8080)
    setup.group("unused", 8081)
    facts = two_zones(setup)
    first = balancer_programs(facts, memory)
    assert all(a is b for a, b in zip(balancer_programs(facts, memory), first, strict=True))
    said = replace(facts, targets=tuple(replace(t, state="healthy", reason=None) for t in facts.targets))
    assert all(a is b for a, b in zip(balancer_programs(said, memory), first, strict=True))
    more = replace(facts, targets=(*facts.targets, target(group_id("one"), "10.0.1.9", 80)))
    for before, after in zip(first, balancer_programs(more, memory), strict=True):
        assert after.configuration is before.configuration and after.files is before.files
        assert len(after.pools[0].targets) == 2 and [pool.name.partition(":")[0] for pool in after.pools] == [
            "one"
        ]


def test_a_node_of_a_load_balancer_that_goes_has_no_program() -> None:
    facts = Setup().facts()
    gone = replace(facts, load_balancers=(replace(facts.load_balancers[0], deleting=True),))
    assert balancer_programs(gone) == () and len(balancer_programs(facts)) == 1
    assert balancer_programs(replace(facts, network_interfaces=())) == ()


def test_a_network_node_without_need_of_an_engine_only_checks() -> None:
    setup = Setup(balancer=NETWORK)
    setup.listen(forward("one"), "TCP")
    setup.listen(forward("one"), "UDP")
    setup.group("one", 8080)
    program = setup.program()
    assert (program.configuration, program.files, program.log) == ("", (), False)
    (pool,) = program.pools
    assert not pool.engine and isinstance(pool.targets[0], PoolTarget) and not pool.ends_connections


def test_targets_that_die_are_looked_for_until_shortly_before_they_would_be_too_late() -> None:
    setup = Setup(attributes={"idle_timeout.timeout_seconds": "7"})
    setup.listen(forward("one", "two"))
    setup.group("one")
    setup.group("two")
    program = setup.program()
    lines = [line.strip() for line in program.configuration.splitlines()]
    assert lines.count("timeout server 7s") == 1
    assert lines.count("tcp-response inspect-delay 6900ms") == 2, "of each target group"
    assert lines.count("tcp-response content lua.broken_off") == 2
    (load,) = [line for line in lines if line.startswith("lua-load ")]
    (script,) = [file.content for file in program.files if load == f"lua-load files/{file.name}"]
    assert "502 Bad Gateway</title>" in script and "awselb/2.0" in script
