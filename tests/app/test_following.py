"""`seawall events` and `seawall logs` against a served control plane: everything, once, in order, at once."""

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from msgspec.structs import replace
from tests.controllers.recording import make
from tests.fresh_task import fresh_task

from seawall.api.ecs.task_event import Whose
from seawall.api.registry import load_operations
from seawall.app import cli, event_feed, log_feed
from seawall.app.control_plane import _first_start
from seawall.app.gateway import Gateway
from seawall.app.own_routes import OwnRoutes
from seawall.app.running import Running, remove_running, write_running
from seawall.app.settings import Settings
from seawall.model.access_key import AccessKey
from seawall.model.cluster import Cluster
from seawall.model.installation import Installation
from seawall.model.log_group import LogGroup
from seawall.model.log_stream import LogStream, log_stream_id
from seawall.model.resource import Resource
from seawall.model.service_notice import ServiceNotice
from seawall.model.task import TaskContainer
from seawall.model.task_definition import ContainerDefinition, LogConfiguration, TaskDefinition
from seawall.store.log_events import LogEvents
from seawall.store.store import Store

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)
ID = "a" * 32
PATIENCE_S = 20.0
INSTANT_S = 0.3
WEB = TaskContainer(name="web", id="web-id", image="web:1", runtime_id="web")
TASK = fresh_task(id=ID, security_group_ids=(), containers=(WEB,), created_at=NOW)
AWSLOGS = {"awslogs-group": "g", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "p"}
DEFINITION = TaskDefinition(
    id="myapp:1",
    family="myapp",
    revision=1,
    container_definitions=(
        ContainerDefinition(
            name="web",
            image="web:1",
            log_configuration=LogConfiguration(log_driver="awslogs", options=AWSLOGS),
        ),
        ContainerDefinition(name="mute", image="mute:1"),
    ),
    registered_at=NOW,
    registered_by="me",
)
STREAM = LogStream(
    id=log_stream_id("g", f"p/web/{ID}"), log_group="g", name=f"p/web/{ID}", key="k", creation_time=NOW
)


class Served:
    """A control plane's API in a thread of its own.  The store belongs to that thread."""

    def __init__(self, state_dir: Path) -> None:
        self.state_dir = state_dir
        self._loop = asyncio.new_event_loop()
        self._up: Future[None] = Future()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),))
        self._thread.start()
        self._up.result(PATIENCE_S)

    async def _serve(self) -> None:
        load_operations()
        settings = Settings(self.state_dir)
        self.store, self.events = Store(self.state_dir / "state.db"), LogEvents(self.state_dir / "logs.db")
        _first_start(self.store, settings)
        _, _, _, context = make(self.store, [])
        self._own = own = OwnRoutes(
            context,
            None,  # type: ignore[arg-type]
            (self.events,),
            reset=lambda token, key: None,
            settings=settings,
        )
        gateway = Gateway(
            self.store, settings, resources={"log_events": self.events}, routes=[(own.matches, own)]
        )
        config = uvicorn.Config(gateway, port=0, lifespan="off", log_config=None, timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(config)
        self._server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        listener = config.bind_socket()
        serving = asyncio.ensure_future(self._server.serve([listener]))
        installation = self.store.get(Installation, "installation")
        key = self.store.get(AccessKey, installation.administrator_key_id)
        running = Running(
            pid=threading.get_native_id(),
            url=f"http://127.0.0.1:{listener.getsockname()[1]}",
            account=settings.account,
            region=settings.region,
            access_key_id=key.id,
            secret_access_key=key.secret,
            control_token=own.control_token,
        )
        write_running(self.state_dir, running)
        self._up.set_result(None)
        await serving
        remove_running(self.state_dir)
        self.store.close()
        self.events.close()

    def do(self, work: Callable[[], Any]) -> Any:
        """Run something where the store lives."""
        done: Future[Any] = Future()
        self._loop.call_soon_threadsafe(lambda: done.set_result(work()))
        return done.result(PATIENCE_S)

    def put(self, *resources: Resource) -> None:
        def write() -> None:
            with self.store.write() as txn:
                for resource in resources:
                    txn.put(resource)

        self.do(write)

    def say(self, *lines: str) -> None:
        """The container writes something."""
        self.do(lambda: self.events.append("k", 1000, [(1000, line) for line in lines]))

    def end(self) -> None:
        asyncio.run_coroutine_threadsafe(self._own.end_streams(), self._loop).result(PATIENCE_S)
        self._loop.call_soon_threadsafe(setattr, self._server, "should_exit", True)
        self._thread.join(PATIENCE_S)
        self._loop.close()


@pytest.fixture
def served(memory_path: Path) -> Iterator[Served]:
    site = Served(memory_path)
    yield site
    site.end()


def run(site: Served, capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
    assert cli.main(["--state-dir", str(site.state_dir), *words]) == 0
    return capsys.readouterr().out.splitlines()


def with_logs(site: Served) -> None:
    site.put(Cluster(id="default"), DEFINITION, LogGroup(id="g", creation_time=NOW), STREAM, TASK)


class Follower:
    """A client that reads an own route's lines in a thread, and when each came."""

    def __init__(self, site: Served, path: str) -> None:
        running = json.loads((site.state_dir / "control.json").read_text())
        self._url = f"{running['url']}/_seawall/{path}"
        self._token = running["control_token"]
        self.came: list[tuple[float, Any]] = []
        self._changed = threading.Condition()
        self.over = self.connected = False
        self.thread = threading.Thread(target=self._read)
        self.thread.start()
        with self._changed:
            assert self._changed.wait_for(lambda: self.connected, PATIENCE_S)

    def _read(self) -> None:
        headers = {"Authorization": f"Bearer {self._token}"}
        try:
            with httpx.stream("GET", self._url, headers=headers, timeout=PATIENCE_S) as reply:
                with self._changed:
                    self.connected = True
                    self._changed.notify_all()
                for line in reply.iter_lines():
                    with self._changed:
                        self.came.append((time.monotonic(), json.loads(line)))
                        self._changed.notify_all()
        except httpx.TransportError:
            pass
        with self._changed:
            self.over = True
            self._changed.notify_all()

    def wait(self, count: int) -> list[tuple[float, Any]]:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.came) >= count, PATIENCE_S)
            return list(self.came)

    def wait_over(self) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self.over, PATIENCE_S)
        self.thread.join()


def test_events_have_eventbridge_s_shape(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    served.put(replace(TASK, attachment_status="ATTACHED", network_interface_id="eni-1", version=3))
    (line,) = run(served, capsys, "--output", "json", "events")
    event = json.loads(line)
    arn = f"arn:aws:ecs:us-east-1:123456789012:task/default/{ID}"
    assert {name: event[name] for name in event if name not in ("id", "time", "detail")} == {
        "version": "0",
        "detail-type": "ECS Task State Change",
        "source": "aws.ecs",
        "account": "123456789012",
        "region": "us-east-1",
        "resources": [arn],
    }
    detail = event["detail"]
    assert (detail["taskArn"], detail["version"], detail["lastStatus"]) == (arn, 3, "PROVISIONING")
    assert detail["createdAt"] == "2026-01-01T00:00:00.000Z"
    assert detail["attachments"][0]["type"] == "eni"
    assert {"name": "networkInterfaceId", "value": "eni-1"} in detail["attachments"][0]["details"]
    assert event["time"] == detail["updatedAt"][:19] + "Z"
    again = json.loads(run(served, capsys, "--output", "json", "events")[0])
    assert again == event


def test_events_of_services_stand_between_those_of_tasks(
    served: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    served.put(TASK)
    began = ServiceNotice(
        id="default/web",
        number=1,
        event_type="INFO",
        event_name="SERVICE_DEPLOYMENT_IN_PROGRESS",
        deployment="ecs-svc/7",
        reason="ECS deployment ecs-svc/7 in progress.",
        at=NOW,
    )
    served.put(began)
    served.put(replace(TASK, last_status="PENDING", version=2))
    steady = replace(began, number=2, event_name="SERVICE_STEADY_STATE", deployment=None, reason=None)
    served.put(steady)
    events = [json.loads(line) for line in run(served, capsys, "--output", "json", "events")]
    assert [event["detail-type"] for event in events] == [
        "ECS Task State Change",
        "ECS Deployment State Change",
        "ECS Task State Change",
        "ECS Service Action",
    ]
    assert events[1]["resources"] == ["arn:aws:ecs:us-east-1:123456789012:service/default/web"]
    assert events[1]["detail"] == {
        "eventType": "INFO",
        "eventName": "SERVICE_DEPLOYMENT_IN_PROGRESS",
        "deploymentId": "ecs-svc/7",
        "updatedAt": "2026-01-01T00:00:00.000Z",
        "reason": "ECS deployment ecs-svc/7 in progress.",
    }
    assert events[3]["detail"] == {
        "eventType": "INFO",
        "eventName": "SERVICE_STEADY_STATE",
        "clusterArn": "arn:aws:ecs:us-east-1:123456789012:cluster/default",
        "createdAt": "2026-01-01T00:00:00.000Z",
    }
    failed = replace(
        steady,
        number=3,
        event_type="ERROR",
        event_name="SERVICE_TASK_PLACEMENT_FAILURE",
        reason="RESOURCE:FARGATE",
        capacity_providers=("FARGATE_SPOT",),
    )
    served.put(failed)
    assert json.loads(run(served, capsys, "--output", "json", "events")[4])["detail"] == {
        "eventType": "ERROR",
        "eventName": "SERVICE_TASK_PLACEMENT_FAILURE",
        "clusterArn": "arn:aws:ecs:us-east-1:123456789012:cluster/default",
        "createdAt": "2026-01-01T00:00:00.000Z",
        "capacityProviderArns": ["arn:aws:ecs:us-east-1:123456789012:capacity-provider/FARGATE_SPOT"],
        "reason": "RESOURCE:FARGATE",
    }
    lines = run(served, capsys, "events")
    assert lines[1] == (
        "2026-01-01T00:00:00.000Z  service default/web  SERVICE_DEPLOYMENT_IN_PROGRESS  ecs-svc/7"
        "  ECS deployment ecs-svc/7 in progress."
    )
    assert len(run(served, capsys, "events", ID[:4])) == 2


def test_a_feed_reads_each_event_once_however_many_there_are(memory_path: Path) -> None:
    store = Store(memory_path / "state.db")
    with store.write() as txn:
        for number in range(1, 701):
            txn.put(replace(TASK, version=number))
            if number % 100 == 0:
                notice = ServiceNotice(
                    id="default/web", number=number, event_type="INFO", event_name="X", at=NOW
                )
                txn.put(notice)
    feed, seen = event_feed.EventFeed(store, Whose("123456789012", "us-east-1"), last=None, follow=True), []
    while True:
        portion = feed.read()
        seen += [event["detail"].get("version", "notice") for event in portion.values]
        if not portion.more:
            break
    wanted = [[n, "notice"] if n % 100 == 0 else [n] for n in range(1, 701)]
    store.close()
    assert seen == [one for some in wanted for one in some]


def test_events_for_people(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    served.put(TASK)
    running = replace(WEB, last_status="RUNNING", health_status="HEALTHY")
    served.put(replace(TASK, last_status="RUNNING", containers=(running,), version=2))
    gone = replace(WEB, last_status="STOPPED", exit_code=3)
    served.put(
        replace(
            TASK,
            last_status="STOPPING",
            desired_status="STOPPED",
            stop_code="EssentialContainerExited",
            stopped_reason="Essential container in task exited",
            containers=(gone,),
            version=3,
        )
    )
    first, second, third = run(served, capsys, "events", ID[:4])
    assert first.endswith(f"{ID}  myapp:1  PROVISIONING")
    assert second.endswith("PROVISIONING -> RUNNING, health HEALTHY, web RUNNING")
    assert third.endswith(
        "RUNNING -> STOPPING, is to stop: EssentialContainerExited (Essential container in task exited),"
        " health UNKNOWN, web STOPPED with exit code 3"
    )
    assert run(served, capsys, "events", "--last", "1") == [
        third.replace("RUNNING -> STOPPING", "STOPPING").replace(", health UNKNOWN", "")
    ]


def test_events_come_once_and_in_order_across_a_restart(memory_path: Path) -> None:
    before = Served(memory_path)
    before.put(TASK)
    before.put(replace(TASK, version=2))
    follower = Follower(before, "events?follow=1")
    follower.wait(2)
    before.put(replace(TASK, version=3))
    follower.wait(3)
    before.end()
    follower.wait_over()
    after = Served(memory_path)
    after.put(replace(TASK, version=4))
    follower = Follower(after, "events?follow=1")
    follower.wait(4)
    after.put(replace(TASK, version=4, tags={"a": "b"}), replace(TASK, version=5))
    came = [event["detail"]["version"] for _, event in follower.wait(5)]
    assert came == [1, 2, 3, 4, 5]
    assert len({event["id"] for _, event in follower.came}) == 5
    after.end()
    follower.wait_over()


def test_a_new_event_is_shown_at_once(served: Served) -> None:
    follower = Follower(served, "events?follow=1&last=0")
    took = []
    for version in range(1, 6):
        began = time.monotonic()
        served.put(replace(TASK, version=version))
        took.append(follower.wait(version)[-1][0] - began)
    assert min(took) < INSTANT_S  # the fastest: the machine may be busy with something else


def test_logs_that_are_kept(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    with_logs(served)
    served.say("one", "two")
    assert run(served, capsys, "logs", ID[:6]) == ["one", "two"]
    assert run(served, capsys, "logs", ID, "--last", "1") == ["two"]
    assert run(served, capsys, "logs", ID, "web", "--times") == [
        "1970-01-01T00:00:01.000Z  one",
        "1970-01-01T00:00:01.000Z  two",
    ]
    shown = [json.loads(line) for line in run(served, capsys, "logs", ID, "--output", "json")]
    assert shown[0] == {"container": "web", "timestamp": 1000, "message": "one"}


def test_logs_of_a_stopped_task_end(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    with_logs(served)
    served.say("one", "two", "three")
    served.put(replace(TASK, last_status="STOPPED", desired_status="STOPPED"))
    assert run(served, capsys, "logs", ID, "--follow") == ["one", "two", "three"]
    assert run(served, capsys, "logs", ID, "--follow", "--last", "1") == ["three"]


def test_a_container_that_has_written_nothing(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    served.put(Cluster(id="default"), DEFINITION, TASK)
    assert run(served, capsys, "logs", ID) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["logs", "b"], "0 tasks have an id that begins so"),
        (["why", "b"], "seawall: b: 0 tasks have an id that begins so"),
        (["events", "b"], "seawall: b: no events are kept of a task whose id begins so"),
        (["logs", ID, "nobody"], "the task's containers are web, mute"),
        (["logs", ID, "mute"], "no output is kept without awslogs"),
    ],
)
def test_what_cannot_be_shown(
    served: Served, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    with_logs(served)
    assert cli.main(["--state-dir", str(served.state_dir), *words]) == 1
    assert said in capsys.readouterr().err


def test_a_line_is_shown_at_once_and_the_end_of_the_task_ends_it(served: Served) -> None:
    with_logs(served)
    asked = {"task": ID, "places": [{"container": "web", "group": "g", "stream": STREAM.name}]}
    follower = Follower(served, f"logs?asked={json.dumps(asked)}")
    took = []
    for count, text in enumerate("abcde", start=1):
        began = time.monotonic()
        served.say(text)
        took.append(follower.wait(count)[-1][0] - began)
    assert min(took) < INSTANT_S
    served.put(replace(TASK, last_status="STOPPED", desired_status="STOPPED", version=2))
    follower.wait_over()
    assert [line["message"] for _, line in follower.came] == list("abcde")


def test_a_stream_may_come_later(served: Served) -> None:
    served.put(Cluster(id="default"), DEFINITION, TASK)
    asked = {"task": ID, "places": [{"container": "web", "group": "g", "stream": STREAM.name}], "last": 0}
    follower = Follower(served, f"logs?asked={json.dumps(asked)}")
    served.put(LogGroup(id="g", creation_time=NOW), STREAM)
    served.do(lambda: served.events.append("other", 1000, [(1000, "of somebody else")]))
    served.say("first")
    assert [line["message"] for _, line in follower.wait(1)] == ["first"]
    served.put(replace(TASK, last_status="STOPPED", version=2))
    follower.wait_over()


def test_many_lines_come_in_portions(
    served: Served, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_feed, "AT_ONCE", 3)
    monkeypatch.setattr(event_feed, "AT_ONCE", 3)
    with_logs(served)
    lines = [str(number) for number in range(7)]
    served.say(*lines)
    served.do(lambda: served.events.append("other", 1000, [(1000, "of somebody else")]))
    for version in range(2, 7):
        served.put(replace(TASK, version=version))
    served.put(replace(TASK, last_status="STOPPED", version=7))
    assert run(served, capsys, "logs", ID, "--follow") == lines
    shown = [
        json.loads(line)["detail"]["version"] for line in run(served, capsys, "events", "--output", "json")
    ]
    assert shown == list(range(1, 8))


def test_nobody_without_the_token_may_listen(served: Served) -> None:
    running = json.loads((served.state_dir / "control.json").read_text())
    for name in ("events", "logs"):
        assert httpx.get(f"{running['url']}/_seawall/{name}").status_code == 403
