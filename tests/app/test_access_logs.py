"""Lines of engines become objects in buckets, and nothing of it is lost without a word."""

import asyncio
import gzip
import json
import logging
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import pytest
from tests.balancer.engine import interface
from tests.controllers.recording import Bench

from seawall.app.access_log_spool import Spool
from seawall.app.access_logs import AccessLogs
from seawall.compile.balancer.text import frontend_name
from seawall.model.bucket import Bucket
from seawall.model.listener import Action, FixedResponse, Listener
from seawall.model.load_balancer import LoadBalancer, LoadBalancerNode
from seawall.program.messages import Carried
from seawall.program.report import BalancerTraffic
from seawall.store.objects import Objects
from seawall.store.store import Store

WEB = "app/web/0123456789abcdef"
LISTENER = f"{WEB}/00000000000000aa"
NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)
FOLDER = "mine/AWSLogs/123456789012/elasticloadbalancing/us-east-1"
SERVICE = {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"}


def line(uri: str) -> str:
    """As an engine writes it: a fixed answer."""
    frontend = frontend_name(LISTENER)
    begun = ["1767225600000000", "1767225599990000", "10.0.0.9", "4711", "-", "-", 0, -1, -1, -1, 1]
    answered = [200, "-", 60, 120, "GET", uri, "HTTP/1.1", "a.example", "curl/8", "-", "-"]
    where = [frontend, frontend, "<NOSRV>", "Root=1-x", "-", "-", "0", "0", "-", "LR", "1", "-", "-"]
    return json.dumps(begun + answered + where)


def policy(resource: str) -> str:
    allow = {"Effect": "Allow", "Principal": SERVICE, "Action": "s3:PutObject", "Resource": resource}
    return json.dumps({"Version": "2012-10-17", "Statement": [allow]})


def bucket(resource: str = "arn:aws:s3:::logs/mine/*") -> Bucket:
    return Bucket(id="logs", created_at=NOW, policy=policy(resource))


def balancer(**attributes: str) -> LoadBalancer:
    wanted = {"enabled": "true", "bucket": "logs", "prefix": "mine"} | attributes
    node = LoadBalancerNode(
        availability_zone="us-east-1a", subnet_id="subnet-1", network_interface_id="eni-a"
    )
    return LoadBalancer(
        id=WEB,
        name="web",
        type="application",
        scheme="internal",
        vpc_id="vpc-1",
        nodes=(node,),
        dns_name="web.elb",
        canonical_hosted_zone_id="Z1",
        state="active",
        attributes={f"access_logs.s3.{key}": value for key, value in wanted.items()},
        created_time=NOW,
    )


class Logged:
    """A load balancer with one node and access logs, and a bucket that takes them."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.bench = Bench(store)
        self.folder = folder
        self.told = 0
        self.objects = Objects(folder / "s3")
        answer = FixedResponse(status_code="200")
        listener = Listener(
            id=LISTENER,
            load_balancer_id=WEB,
            protocol="HTTP",
            port=80,
            default_actions=(Action(type="fixed-response", fixed_response=answer),),
            default_rule_id=f"{LISTENER}/00000000000000bb",
        )
        self.bench.put(interface("eni-a", "10.0.0.4"), balancer(), listener, bucket())
        self.logs = self.start()
        self.logs.listen()

    def start(self, most: int = 10**6, largest_file: int = 10**5) -> AccessLogs:
        """As a control plane does that comes up."""
        spool = Spool(self.folder / "access-logs", largest_file=largest_file, most=most)
        return AccessLogs(self.bench.context, self.objects, spool)

    def tell(self, *uris: str) -> None:
        lines = tuple(line(uri) for uri in uris)
        self.told += 1
        self.bench.port.tell(Carried(traffic=BalancerTraffic(id="eni-a", number=self.told, lines=lines)))

    def deliver(self, logs: AccessLogs | None = None) -> None:
        asyncio.run((logs or self.logs).deliver(self.bench.clock.now()))

    def keys(self) -> list[str]:
        return [stored.key for stored in self.objects.after("logs", "", "", 100)]

    def asked(self) -> list[str]:
        """The URIs of all delivered lines."""
        found = self.objects.after("logs", "", "", 100)
        texts = [gzip.decompress(stored.file.read_bytes()).decode() for stored in found]
        return [told.split('"')[1].split("/")[-2].split()[0] for text in texts for told in text.splitlines()]


@pytest.fixture
def logged(tmp_path: Path) -> Iterator[Logged]:
    store = Store(tmp_path / "state.db")
    made = Logged(store, tmp_path)
    yield made
    made.objects.close()
    store.close()


def test_an_interval_becomes_an_object_when_it_has_ended(logged: Logged) -> None:
    logged.tell("/one", "/two")
    logged.bench.clock.move(100)
    logged.tell("/three")
    logged.deliver()
    assert logged.keys() == []
    logged.bench.clock.move(200)
    logged.deliver()
    (key,) = logged.keys()
    assert key.startswith(
        f"{FOLDER}/2026/01/01/123456789012_elasticloadbalancing_us-east-1_app.web.0123456789abcdef"
        "_20260101T0005Z_10.0.0.4_"
    )
    assert key.endswith(".log.gz")
    stored = logged.objects.find("logs", key)
    assert stored is not None and stored.facts.size == stored.file.stat().st_size
    first, *_ = gzip.decompress(stored.file.read_bytes()).decode().splitlines()
    assert first.startswith(f"http 2026-01-01T00:00:00.000000Z {WEB} 10.0.0.9:4711 - -1 -1 -1 200 - 60 120 ")
    assert '"GET http://a.example:80/one HTTP/1.1" "curl/8"' in first
    assert logged.asked() == ["one", "two", "three"]
    logged.deliver()
    assert logged.keys() == [key]


def test_only_where_they_are_switched_on(logged: Logged) -> None:
    logged.bench.put(balancer(enabled="false"))
    logged.tell("/no")
    asyncio.run(logged.logs.close())
    assert logged.keys() == []


def test_what_a_bucket_refuses_waits_and_is_said(logged: Logged, caplog: pytest.LogCaptureFixture) -> None:
    logged.bench.put(bucket("arn:aws:s3:::logs/other/*"))
    logged.tell("/one")
    logged.bench.clock.move(300)
    logged.deliver()
    assert logged.keys() == []
    assert [(r.message, r.__dict__["bucket"]) for r in caplog.records] == [("access_log.refused", "logs")]
    with logged.bench.store.write() as txn:
        txn.delete(Bucket, "logs")
    logged.deliver()
    assert logged.keys() == []
    logged.bench.put(bucket())
    logged.deliver()
    assert logged.asked() == ["one"]
    assert "_20260101T0005Z_" in logged.keys()[0]  # of the interval it is about


def test_what_was_written_down_outlives_the_control_plane_and_its_load_balancer(logged: Logged) -> None:
    logged.tell("/before")
    again = logged.start()
    with logged.bench.store.write() as txn:
        txn.delete(Listener, LISTENER)
        txn.delete(LoadBalancer, WEB)
    logged.deliver(again)
    assert logged.asked() == ["before"]
    assert list((logged.folder / "access-logs").iterdir()) == []


def test_where_too_much_waits_the_oldest_is_given_up(
    logged: Logged, caplog: pytest.LogCaptureFixture
) -> None:
    logged.bench.context.host._traffic_listeners.clear()
    logs = logged.start(most=8000, largest_file=1)
    logs.listen()
    for number in range(20):
        logged.tell(f"/{number}")
    waiting = list((logged.folder / "access-logs").iterdir())
    given_up = [record for record in caplog.records if record.message == "access_log.given_up"]
    assert sum(path.stat().st_size for path in waiting) <= 8000
    assert len(given_up) == 20 - len(waiting) > 0
    logged.deliver(logs)
    assert sorted(map(int, logged.asked())) == list(range(20 - len(waiting), 20))


def test_lost_lines_are_counted(logged: Logged, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        lost = BalancerTraffic(
            id="eni-a", number=1, lines=("nonsense",), counters=(("log", "", "dropped", 7),)
        )
        logged.bench.port.tell(Carried(traffic=lost))
        asyncio.run(logged.logs.close())
    assert logged.logs.dropped == {WEB: 8}
    assert logged.keys() == []


def test_delivery_comes_by_itself(logged: Logged) -> None:
    async def until_delivered() -> None:
        spool = Spool(logged.folder / "others", largest_file=1)
        logs = AccessLogs(logged.bench.context, logged.objects, spool)
        logs.listen()
        running = asyncio.ensure_future(logs.run())
        logged.tell("/large")
        while not logged.keys():
            assert not running.done()
            await asyncio.sleep(0)
        running.cancel()

    asyncio.run(until_delivered())
    assert logged.asked() == ["large"]
