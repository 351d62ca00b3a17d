"""The keeper of the world: one world, the same one where there is one, a new one when it ends, none after."""

import asyncio
import os
import signal
import threading
from pathlib import Path

import pytest

from seawall.app import world_keeper
from seawall.app.settings import Settings
from seawall.app.world_keeper import WorldKeeper
from seawall.host.world import World


class Worlds:
    """Worlds that are plain processes: `sleep`s, as long as they live."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.living: list[int] = []
        self.started = 0
        self.may_start = threading.Event()
        self.may_start.set()
        self.waits_to_start = threading.Event()
        monkeypatch.setattr(world_keeper, "start_world", self.start)
        monkeypatch.setattr(world_keeper, "find_world", self.find)
        monkeypatch.setattr(world_keeper, "end_world", self.end)

    def start(self, state_dir: Path, command: list[str]) -> World:
        self.waits_to_start.set()
        self.may_start.wait()
        self.started += 1
        self.living = [os.spawnlp(os.P_NOWAIT, "sleep", "sleep", "infinity")]
        return self._world(self.living[0])

    def find(self, state_dir: Path) -> World | None:
        return self._world(self.living[0]) if self.living else None

    def end(self, state_dir: Path) -> None:
        for pid in self.living:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        self.living = []

    def die(self) -> None:
        """The end that nobody asked for; `end` clears it away."""
        os.kill(self.living[0], signal.SIGKILL)

    @staticmethod
    def _world(pid: int) -> World:
        return World(id="w", pid=pid, started=0, state_dir="/nonexistent")


@pytest.fixture
def worlds(monkeypatch: pytest.MonkeyPatch) -> Worlds:
    return Worlds(monkeypatch)


@pytest.fixture
def keeper() -> WorldKeeper:
    return WorldKeeper(Settings(Path("/nonexistent")))


def test_a_world_is_started_and_ended(worlds: Worlds, keeper: WorldKeeper) -> None:
    async def scenario() -> None:
        await keeper.start()
        assert keeper.world is not None
        assert [keeper.world.pid] == worlds.living
        await keeper.stop()

    asyncio.run(scenario())
    assert worlds.living == []


def test_one_that_lives_is_adopted(worlds: Worlds, keeper: WorldKeeper) -> None:
    before = worlds.start(Path(), [])
    asyncio.run(keeper.start())
    assert keeper.world == before
    assert worlds.started == 1
    worlds.end(Path())


def test_one_that_died_is_followed_by_another(worlds: Worlds, keeper: WorldKeeper) -> None:
    async def scenario() -> None:
        await keeper.start()
        first = worlds.living
        keeping = asyncio.create_task(keeper.keep())
        worlds.waits_to_start.clear()
        worlds.die()
        await asyncio.to_thread(worlds.waits_to_start.wait, 10)
        keeping.cancel()
        await asyncio.wait({keeping})
        await keeper.stop()
        assert worlds.started == 2
        assert worlds.living != first

    asyncio.run(scenario())
    assert worlds.living == []


def test_an_interrupted_start_leaves_no_world(worlds: Worlds, keeper: WorldKeeper) -> None:
    async def scenario() -> None:
        worlds.may_start.clear()
        starting = asyncio.create_task(keeper.start())
        await asyncio.to_thread(worlds.waits_to_start.wait, 10)
        starting.cancel()
        await asyncio.wait({starting})
        stopping = asyncio.create_task(keeper.stop())
        worlds.may_start.set()
        await stopping

    asyncio.run(scenario())
    assert worlds.started == 1
    assert worlds.living == []


def test_the_agent_is_told_what_the_command_line_said() -> None:
    settings = Settings(Path("/state"), runtime="runc", json_logs=True)
    words = world_keeper.agent_command(settings)
    assert words[1:] == [
        "-m",
        "seawall.host.agent",
        "--state-dir",
        "/state",
        "--runtime",
        "runc",
        "--json-logs",
    ]
