"""What nodes tell becomes metrics with the dimensions that clients ask for."""

from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import pytest
from tests.controllers.recording import Bench

from seawall.controllers import balancer_traffic
from seawall.controllers.loop import After, Done
from seawall.model.load_balancer import LoadBalancer, LoadBalancerNode
from seawall.model.target_group import Target, TargetState, target_id
from seawall.program.report import BalancerTraffic
from seawall.store.metrics import Metric, Metrics, dimensions_of
from seawall.store.store import Store

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)
GROUP = "web/0123456789abcdef"
POOL = "web:0123456789abcdef"
NODES = (("eni-a", "us-east-1a"), ("eni-b", "us-east-1b"))


def balancer(kind: str, **members: object) -> LoadBalancer:
    return LoadBalancer(
        id=f"{kind[:3]}/web/fedcba9876543210",
        name="web",
        type=kind,  # type: ignore[arg-type]
        scheme="internal",
        vpc_id="vpc-1",
        nodes=tuple(
            LoadBalancerNode(availability_zone=zone, subnet_id="subnet-1", network_interface_id=interface)
            for interface, zone in NODES
        ),
        dns_name="web.elb",
        canonical_hosted_zone_id="Z1",
        state="active",
        created_time=NOW,
        **members,  # type: ignore[arg-type]
    )


def target(address: str, state: TargetState, *nodes: str) -> Target:
    """`nodes`: what each says, in their order."""
    return Target(
        id=target_id(GROUP, address, 80),
        target_group_id=GROUP,
        target=address,
        port=80,
        availability_zone="us-east-1a",
        registered_at=NOW,
        state=state,
        load_balancer_nodes={interface: word for (interface, _), word in zip(NODES, nodes, strict=False)},
    )


@pytest.fixture
def bench(store: Store, tmp_path: Path) -> Iterator[Bench]:
    made = Bench(store)
    made.context.metrics = Metrics(tmp_path / "metrics.db")
    yield made
    made.context.metrics.close()


def total(bench: Bench, namespace: str, name: str, **dimensions: str) -> float | None:
    assert bench.context.metrics is not None
    at = int(bench.clock.now().timestamp())
    metric = Metric(namespace, name, dimensions_of(dimensions))
    points = bench.context.metrics.read(metric, at - 60, at + 60, 60)
    return sum(point.total for point in points) if points else None


def test_requests_are_counted_by_balancer_zone_and_group(bench: Bench) -> None:
    bench.put(balancer("application"), target("10.0.0.1", "healthy"), target("10.0.0.2", "healthy"))
    counters = (
        ("listener:1", "FRONTEND", "conn_tot", 3),
        (POOL, "t0", "hrsp_2xx", 8),
        (POOL, "t0", "stot", 8),
        (POOL, "t1", "hrsp_5xx", 2),
        (POOL, "t1", "stot", 2),
    )
    for node in ("eni-a", "eni-b"):
        balancer_traffic.publish(BalancerTraffic(id=node, number=1, counters=counters), bench.context)
    elb, web = "AWS/ApplicationELB", "app/web/fedcba9876543210"
    group = f"targetgroup/{GROUP}"
    assert total(bench, elb, "RequestCount", LoadBalancer=web) == 20
    assert total(bench, elb, "RequestCount", LoadBalancer=web, AvailabilityZone="us-east-1a") == 10
    assert total(bench, elb, "RequestCount", LoadBalancer=web, TargetGroup=group) == 20
    assert total(bench, elb, "HTTPCode_Target_5XX_Count", LoadBalancer=web, TargetGroup=group) == 4
    assert total(bench, elb, "RequestCountPerTarget", LoadBalancer=web, TargetGroup=group) == 10
    assert total(bench, elb, "RequestCountPerTarget", TargetGroup=group) == 10
    assert total(bench, elb, "RequestCount", TargetGroup=group) is None
    assert total(bench, elb, "NewConnectionCount", LoadBalancer=web) == 6


def test_a_network_load_balancer_has_its_own_metrics(bench: Bench) -> None:
    bench.put(balancer("network"))
    counters = (("listener:1", "FRONTEND", "conn_tot", 3),)
    balancer_traffic.publish(BalancerTraffic(id="eni-a", number=1, counters=counters), bench.context)
    assert total(bench, "AWS/NetworkELB", "NewFlowCount", LoadBalancer="net/web/fedcba9876543210") == 3


def test_what_cannot_be_read_or_belongs_to_nobody_is_left_out(bench: Bench) -> None:
    bench.put(balancer("application"))
    counters = (("listener:1", "FRONTEND", "conn_tot", 3),)
    told = BalancerTraffic(id="eni-a", number=1, counters=counters, lines=("nonsense", "{}"))
    balancer_traffic.publish(told, bench.context)
    balancer_traffic.publish(BalancerTraffic(id="eni-gone", number=1, counters=counters), bench.context)
    elb = "AWS/ApplicationELB"
    assert total(bench, elb, "NewConnectionCount", LoadBalancer="app/web/fedcba9876543210") == 3


def test_the_health_of_targets_is_told_once_a_minute(bench: Bench) -> None:
    web = balancer("application")
    bench.put(
        web,
        target("10.0.0.1", "healthy", "healthy", "healthy"),
        target("10.0.0.2", "unhealthy", "healthy", "unhealthy"),
        target("10.0.0.3", "initial", "initial", "initial"),
    )
    assert bench.look(balancer_traffic.reconcile, web.id) == After(60)
    elb, group = "AWS/ApplicationELB", f"targetgroup/{GROUP}"
    found = {
        (name, zone): total(bench, elb, name, LoadBalancer=web.id, TargetGroup=group, AvailabilityZone=zone)
        for name in ("HealthyHostCount", "UnHealthyHostCount")
        for _, zone in NODES
    }
    assert found == {
        ("HealthyHostCount", "us-east-1a"): 2,
        ("UnHealthyHostCount", "us-east-1a"): 0,
        ("HealthyHostCount", "us-east-1b"): 1,
        ("UnHealthyHostCount", "us-east-1b"): 1,
    }
    bench.put(balancer("application", deleting=True))
    assert bench.look(balancer_traffic.reconcile, web.id) == Done()
