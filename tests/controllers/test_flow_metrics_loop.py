"""What the kernel counted for nodes of network load balancers becomes their metrics, minute by minute."""

from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import pytest
from tests.controllers.recording import Bench
from tests.packet.balancers import balancer as in_a_cloud
from tests.packet.balancers import listener, target, target_group
from tests.packet.world_data import Cloud

from seawall.compile.network.compile_network import compile_network
from seawall.controllers import flow_metrics
from seawall.controllers.loop import After, Done
from seawall.model.load_balancer import LoadBalancer, LoadBalancerNode
from seawall.program.report import Counter
from seawall.store.metrics import Metric, Metrics, dimensions_of
from seawall.store.store import Store

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)
FLOW = "net/flow/fedcba9876543210"
NODES = (("eni-a", "us-east-1a"), ("eni-b", "us-east-1b"))
ALWAYS = {
    "NewFlowCount",
    "PortAllocationErrorCount",
    "ProcessedBytes",
    "TCP_Client_Reset_Count",
    "TCP_Target_Reset_Count",
}


def balancer(**members: object) -> LoadBalancer:
    wanted: dict[str, object] = {"id": FLOW, "type": "network", "state": "active"} | members
    return LoadBalancer(
        name="flow",
        scheme="internal",
        vpc_id="vpc-1",
        nodes=tuple(
            LoadBalancerNode(availability_zone=zone, subnet_id="subnet-1", network_interface_id=interface)
            for interface, zone in NODES
        ),
        dns_name="flow.elb",
        canonical_hosted_zone_id="Z1",
        created_time=NOW,
        **wanted,  # type: ignore[arg-type]
    )


def counter(name: str, packets: int, bytes: int = 0) -> Counter:
    return Counter(where="count", what=name, origin=f"{FLOW}/{name}", packets=packets, bytes=bytes)


@pytest.fixture
def bench(store: Store, tmp_path: Path) -> Iterator[Bench]:
    made = Bench(store)
    made.context.metrics = Metrics(tmp_path / "metrics.db")
    yield made
    made.context.metrics.close()


def sums(bench: Bench, name: str, **more: str) -> list[float]:
    assert bench.context.metrics is not None
    start = int(NOW.timestamp())
    metric = Metric("AWS/NetworkELB", name, dimensions_of({"LoadBalancer": FLOW} | more))
    return [point.total for point in bench.context.metrics.read(metric, start, start + 600, 60)]


def test_each_minute_has_what_came_in_it(bench: Bench) -> None:
    bench.put(balancer())
    assert bench.look(flow_metrics.reconcile, FLOW) == Done()  # nothing is in force
    bench.meet()
    bench.settle()
    for packets in (10, 25):
        for node, _ in NODES:
            bench.port.counters[node] = (
                counter("NewFlowCount", packets, packets * 60),
                counter("ProcessedBytes", packets * 9, packets * 1000),
                counter("TCP_Target_Reset_Count", packets // 5, 40),
            )
        assert bench.look(flow_metrics.reconcile, FLOW) == After(60)
        bench.clock.move(60)
    assert sums(bench, "NewFlowCount", AvailabilityZone="us-east-1a") == [10, 15]
    assert sums(bench, "NewFlowCount") == [20, 30]
    assert sums(bench, "ProcessedBytes") == [20000, 30000]
    assert sums(bench, "TCP_Target_Reset_Count") == [4, 6]
    assert sums(bench, "TCP_Client_Reset_Count") == [0, 0]
    assert sums(bench, "PortAllocationErrorCount") == [0, 0]


def test_only_nodes_of_network_load_balancers_are_read(bench: Bench) -> None:
    other = balancer(id="app/web/fedcba9876543210", type="application")
    bench.put(balancer(state="provisioning"), other)
    bench.meet()
    bench.settle()
    assert bench.look(flow_metrics.reconcile, FLOW) == Done()
    assert bench.look(flow_metrics.reconcile, other.id) == Done()
    assert bench.look(flow_metrics.reconcile, "net/gone/fedcba9876543210") == Done()
    assert bench.port.asked == []


def test_a_load_balancer_that_goes_is_forgotten(bench: Bench) -> None:
    bench.put(balancer())
    bench.meet()
    bench.settle()
    bench.port.counters["eni-a"] = (counter("NewFlowCount", 1),)
    bench.look(flow_metrics.reconcile, FLOW)
    assert set(bench.context.counts.totals) == {"eni-a"}  # the other could not be read
    bench.put(balancer(deleting=True))
    assert bench.look(flow_metrics.reconcile, FLOW) == Done()
    assert bench.context.counts.totals == {}


def test_the_program_counts_under_the_names_that_are_published() -> None:
    cloud = Cloud()
    subnet = cloud.subnet(cloud.vpc("a"), "one", "10.0.1.0/24")
    web = in_a_cloud(cloud, "web", (subnet, "10.0.1.10"), kind="net")
    listener(cloud, web, "TCP", 80, target_group(cloud, "app", "TCP", 80))
    target(cloud, "app/0", "10.0.1.20", 80, "eni-web-0")
    (node,) = (n for n in compile_network(cloud.snapshot()).namespaces if n.name == "eni-web-0")
    assert node.policy is not None
    rules = [rule for chain in node.policy.chains for rule in chain.rules if "counter" in rule.text]
    assert {rule.origin for rule in rules} == {f"{web}/{name}" for name in ALWAYS}
    assert {one.name for one in flow_metrics.measured({})} == ALWAYS
