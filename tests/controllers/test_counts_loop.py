"""What the kernel counted adds up over restarts, becomes NAT metrics, and is told rule by rule."""

from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import pytest
from tests.controllers.recording import Bench

from seawall.controllers import nat_metrics, rule_counts
from seawall.controllers.counts import Counts, Tally
from seawall.controllers.loop import After, Done
from seawall.model.nat_gateway import NatGateway
from seawall.model.vpc import Vpc
from seawall.program.report import Counter
from seawall.store.metrics import Metric, Metrics
from seawall.store.store import Store

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)


def counter(origin: str, packets: int, *, what: str = "key") -> Counter:
    return Counter(where="set", what=what, origin=origin, packets=packets, bytes=packets * 100)


@pytest.fixture
def metrics(tmp_path: Path) -> Iterator[Metrics]:
    opened = Metrics(tmp_path / "metrics.db")
    yield opened
    opened.close()


def test_a_counter_that_went_back_has_started_again() -> None:
    counts = Counts()
    for packets in (5, 7, 3):
        counts.take("vpc-1", "w", [counter("sgr-1", packets)], NOW)
    assert counts.totals["vpc-1"]["sgr-1"] == Tally(10, 1000)


def test_in_another_world_all_have_started_again() -> None:
    counts = Counts()
    counts.take("vpc-1", "w", [counter("sgr-1", 5)], NOW)
    assert counts.take("vpc-1", "w2", [counter("sgr-1", 6)], NOW)["sgr-1"].packets == 6


def test_an_element_that_now_stands_for_more_rules_is_not_counted_twice() -> None:
    counts = Counts()
    counts.take("vpc-1", "w", [counter("sgr-1", 5)], NOW)
    counts.take("vpc-1", "w", [counter("sgr-1,sgr-2", 6)], NOW)
    assert {o: t.packets for o, t in counts.totals["vpc-1"].items()} == {"sgr-1": 5, "sgr-1,sgr-2": 1}


def test_what_was_counted_before_this_process_is_left_out() -> None:
    counts = Counts()
    counts.older = frozenset({"vpc-1"})
    counts.take("vpc-1", "w", [counter("sgr-1", 5)], NOW)
    counts.take("vpc-1", "w", [counter("sgr-1", 8), counter("sgr-2", 2, what="new")], NOW)
    assert {o: t.packets for o, t in counts.totals["vpc-1"].items()} == {"sgr-1": 3, "sgr-2": 2}
    assert counts.since == NOW


def test_vpcs_are_read_once_the_host_works_and_forgotten_when_they_go(store: Store) -> None:
    bench = Bench(store)
    vpc = Vpc(id="vpc-1", cidr_blocks=())
    bench.put(vpc)
    bench.port.counters["vpc-1"] = (counter("sgr-1", 4),)
    assert bench.look(rule_counts.reconcile, "vpc-1") == After(rule_counts.EVERY_S)
    assert bench.port.asked == []
    bench.meet()
    bench.settle()
    bench.look(rule_counts.reconcile, "vpc-1")
    assert bench.context.counts.totals == {"vpc-1": {"sgr-1": Tally(4, 400)}}
    with store.write() as txn:
        txn.delete(Vpc, "vpc-1")
    assert bench.look(rule_counts.reconcile, "vpc-1") == Done()
    assert bench.context.counts.totals == {}


def test_a_gateway_publishes_what_came_since_the_last_minute(store: Store, metrics: Metrics) -> None:
    bench = Bench(store)
    bench.context.metrics = metrics
    bench.put(
        NatGateway(
            id="nat-1", vpc_id="vpc-1", subnet_id="s", state="available", create_time=bench.clock.now()
        )
    )
    bench.meet()
    bench.settle()
    for packets in (10, 25, 4):  # the last one: it has started again
        bench.port.counters["nat-1"] = (
            counter("nat-1/FromSource", packets, what="out"),
            counter("nat-1/ErrorPortAllocation", packets // 10, what="full"),
        )
        bench.port.connections["nat-1"] = packets // 5
        assert bench.look(nat_metrics.reconcile, "nat-1") == After(60)
        bench.clock.move(60)
    start = int(NOW.timestamp())

    def sums(name: str) -> list[tuple[float, str]]:
        dimensions = (("NatGatewayId", "nat-1"),)
        found = metrics.read(Metric("AWS/NATGateway", name, dimensions), start, start + 600, 60)
        return [(each.total, each.unit) for each in found]

    assert sums("PacketsInFromSource") == [(10, "Count"), (15, "Count"), (4, "Count")]
    assert sums("PacketsOutToDestination") == [(9, "Count"), (14, "Count"), (4, "Count")]
    assert sums("BytesInFromSource") == [(1000, "Bytes"), (1500, "Bytes"), (400, "Bytes")]
    assert sums("ConnectionAttemptCount") == [(0, "Count")] * 3
    assert sums("ActiveConnectionCount") == [(2, "Count"), (5, "Count"), (0, "Count")]


def test_a_gateway_that_cannot_be_read_publishes_nothing(store: Store, metrics: Metrics) -> None:
    bench = Bench(store)
    bench.context.metrics = metrics
    bench.put(
        NatGateway(
            id="nat-1", vpc_id="vpc-1", subnet_id="s", state="available", create_time=bench.clock.now()
        )
    )
    bench.meet()
    bench.settle()
    assert bench.look(nat_metrics.reconcile, "nat-1") == After(60)
    assert bench.port.asked == ["nat-1"]
    assert metrics.known() == []
