"""Seawall's own URLs: what is said to be in force is, and a reset keeps two keys and nothing else."""

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.controllers.recording import make

from seawall.app import own_routes
from seawall.app.control_plane import _first_start
from seawall.app.own_routes import OwnRoutes
from seawall.app.settings import Settings
from seawall.controllers.loop import load_reconcilers
from seawall.model.access_key import AccessKey
from seawall.model.cluster import Cluster
from seawall.model.vpc import Vpc
from seawall.program.messages import Applied, State, TaskChanged
from seawall.program.report import ContainerReport, Counter, TaskReport
from seawall.store.store import Store


@dataclass
class CountingStore:
    """What a reset empties besides the store: stands for the log events."""

    cleared: int = 0

    def clear(self) -> None:
        self.cleared += 1


@dataclass
class CountingRegistry:
    cleared: int = 0

    async def clear(self) -> None:
        await asyncio.sleep(0)
        self.cleared += 1


@dataclass
class Site:
    """A control plane without its servers, whose host and clock the test moves."""

    store: Store
    auth: Any = "enforce"
    events: CountingStore = field(default_factory=CountingStore)
    registry: CountingRegistry = field(default_factory=CountingRegistry)

    def __post_init__(self) -> None:
        self.loops, self.clock, self.port, self.context = make(self.store, load_reconcilers())
        settings = Settings(Path("/nonexistent"), auth=self.auth)
        _first_start(self.store, settings)
        self.own = OwnRoutes(
            self.context,
            self.registry,
            (self.events,),
            reset=partial(_first_start, self.store, settings),
            settings=settings,
        )
        self.loops.start()
        self.clock.move()

    async def ask(
        self, method: str, path: str, token: str | None = None, query: bytes = b""
    ) -> tuple[int, dict[str, Any]]:
        headers = [(b"authorization", f"Bearer {token}".encode())] if token else []
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {"method": method, "path": f"/_seawall/{path}", "headers": headers, "query_string": query}
        assert OwnRoutes.matches(scope)
        await self.own(scope, receive, send)
        start, body = sent
        return start["status"], json.loads(body["body"])

    def apply(self) -> None:
        """The host does what it was told last."""
        self.port.tell(Applied(revision=self.port.programs[-1].revision))
        self.clock.move()

    def meet(self) -> None:
        self.port.tell(State(world="w1", applied_revision=0, tasks=()))
        self.clock.move()

    def add_vpc(self) -> None:
        """A change of the network."""
        with self.store.write() as txn:
            vpc = txn.all(Vpc)[0]
            txn.put(Vpc(id="vpc-new", cidr_blocks=vpc.cidr_blocks))


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    store = Store(tmp_path / "state.db")
    yield Site(store)
    store.close()


@pytest.fixture
def run() -> Callable[[Any], Any]:
    return asyncio.run


def test_health_is_starting_until_the_host_has_its_first_program(site: Site, run: Any) -> None:
    assert run(site.ask("GET", "health")) == (
        503,
        {
            "status": "starting",
            "world": None,
            "revision": site.store.revision(),
            "in_force": 0,
            "settled": False,
            "limits": "",
            "problems": [],
            "notes": [],
        },
    )
    site.meet()
    assert run(site.ask("GET", "health"))[0] == 503
    site.apply()
    status, health = run(site.ask("GET", "health"))
    assert (status, health["status"], health["world"], health["settled"]) == (200, "ready", "w1", True)
    assert health["limits"] == "enforced"


def test_settled_answers_only_once_the_newest_change_is_in_force(site: Site, run: Any) -> None:
    site.meet()
    site.apply()

    async def scenario() -> None:
        site.add_vpc()  # the loops have not looked at it yet
        answer = asyncio.create_task(site.ask("GET", "settled"))
        await asyncio.sleep(0)
        site.clock.move()
        await asyncio.sleep(0)
        assert not answer.done()
        site.apply()
        status, health = await answer
        assert (status, health["settled"]) == (200, True)
        assert health["in_force"] >= site.context.wanted

    run(scenario())


def test_settled_does_not_wait_for_what_no_host_needs_to_know(site: Site, run: Any) -> None:
    site.meet()
    site.apply()
    with site.store.write() as txn:
        txn.put(Cluster(id="default"))
    assert run(site.ask("GET", "settled"))[0] == 200


def test_settled_says_so_when_the_host_does_not_follow(
    site: Site, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_routes, "SETTLE_TIMEOUT_S", 0.01)
    site.meet()
    site.apply()
    site.add_vpc()
    site.clock.move()
    status, health = run(site.ask("GET", "settled"))
    assert (status, health["settled"]) == (503, False)


def test_health_names_what_a_container_did_not_get(site: Site, run: Any) -> None:
    site.meet()
    short = ContainerReport(name="app", runtime_id="r", notes=("ulimit nofile is cut",))
    whole = ContainerReport(name="side", runtime_id="s")
    site.port.tell(TaskChanged(report=TaskReport(id="t", containers=(short, whole))))
    _, health = run(site.ask("GET", "health"))
    assert health["notes"] == [{"task": "t", "container": "app", "text": "ulimit nofile is cut"}]


@pytest.mark.parametrize("token", [None, "wrong", ""])
def test_a_reset_wants_the_control_token(site: Site, run: Any, token: str | None) -> None:
    before = site.store.revision()
    assert run(site.ask("POST", "reset", token))[0] == 403
    assert (site.store.revision(), site.events.cleared, site.registry.cleared) == (before, 0, 0)


def test_an_open_seawall_is_reset_by_anybody(tmp_path: Path, run: Any) -> None:
    store = Store(tmp_path / "state.db")
    assert run(Site(store, auth="open").ask("POST", "reset")) == (200, {"status": "empty"})
    store.close()


def test_a_reset_leaves_the_first_day_and_the_two_keys(site: Site, run: Any) -> None:
    token = site.own.control_token
    (key,) = site.store.all(AccessKey)
    (first,) = site.store.all(Vpc)
    site.add_vpc()
    with site.store.write() as txn:
        txn.put(Cluster(id="default"))
    assert run(site.ask("POST", "reset", token)) == (200, {"status": "empty"})
    assert site.store.all(Cluster) == []
    (again,) = site.store.all(Vpc)
    assert again.is_default
    assert again.id != first.id
    assert site.store.all(AccessKey) == [key]
    assert site.own.control_token == token
    assert (site.events.cleared, site.registry.cleared) == (1, 1)


def test_two_resets_at_once_are_one_after_the_other(site: Site, run: Any) -> None:
    token = site.own.control_token

    async def scenario() -> list[Any]:
        return await asyncio.gather(*(site.ask("POST", "reset", token) for _ in range(2)))

    assert [status for status, _ in run(scenario())] == [200, 200]
    assert len(site.store.all(AccessKey)) == len(site.store.all(Vpc)) == 1


def test_counters_are_read_at_the_moment_of_asking(site: Site, run: Any) -> None:
    site.meet()
    site.apply()
    (vpc,) = site.store.all(Vpc)
    assert run(site.ask("GET", "counters"))[0] == 403
    for packets in (2, 7):
        counter = Counter(where="set", what="key", origin="sgr-1", packets=packets, bytes=0)
        site.port.counters[vpc.id] = (counter,)
        status, said = run(site.ask("GET", "counters", site.own.control_token))
    assert status == 200
    assert said["totals"][vpc.id]["sgr-1"]["packets"] == 5  # what was counted before it started is left out
    assert said["unread"] == []


@pytest.mark.parametrize(
    ("path", "query"), [("events", b"last=abc"), ("logs", b"asked=bad"), ("logs", b""), ("logs", b"asked={}")]
)
def test_what_cannot_be_read_is_refused(tmp_path: Path, run: Any, path: str, query: bytes) -> None:
    store = Store(tmp_path / "state.db")
    status, said = run(Site(store, auth="open").ask("GET", path, query=query))
    assert (status, bool(said["message"])) == (400, True)
    store.close()


def test_interrupting_wants_the_control_token_and_a_spot_task(site: Site, run: Any) -> None:
    assert run(site.ask("POST", "interrupt", "wrong"))[0] == 403
    status, said = run(site.ask("POST", "interrupt", site.own.control_token))
    assert (status, said["message"]) == (404, ": 0 tasks have an id that begins so")


def test_other_paths_are_not_ours(site: Site, run: Any) -> None:
    assert run(site.ask("POST", "health"))[0] == 404
    assert run(site.ask("GET", "reset"))[0] == 404
