"""A Seawall of the demonstration's own: its state directory, its processes, its clients on the internet."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx

from seawall.app.failure import CommandFailed
from seawall.app.running import FILE, NotRunning, Running, read_running
from seawall.host.world import World, find_world

SEAWALL = (sys.executable, "-m", "seawall.app.cli")
START_TIMEOUT_S = 60.0


class Instance:
    """`up` starts it, `down` ends it; between the two `running` tells how to reach it."""

    def __init__(self, state_dir: Path) -> None:
        self.state_dir = state_dir
        self.log = state_dir / "up.log"
        self._process: subprocess.Popen[bytes] | None = None

    def command(self, *words: str) -> list[str]:
        return [*SEAWALL, "--state-dir", str(self.state_dir), *words]

    def up(self) -> Running:
        """Start it on any free port and wait until it is ready.  Raises CommandFailed with its last words."""
        with open(self.log, "wb") as log:
            self._process = subprocess.Popen(
                self.command("up", "--listen", "127.0.0.1:0"),
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C ends the demonstration first, which then ends this
            )
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self._ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise CommandFailed(f"`seawall up` did not become ready:\n{self.last_words()}")
            time.sleep(0.05)
        return self.running

    @property
    def running(self) -> Running:
        return read_running(self.state_dir)

    def world(self) -> World:
        """Its world.  Raises CommandFailed when it has none."""
        world = find_world(self.state_dir)
        if world is None:
            raise CommandFailed("the world is gone")
        return world

    def _ready(self) -> bool:
        if not (self.state_dir / FILE).exists():
            return False
        try:
            return httpx.get(f"{self.running.url}/_seawall/health", timeout=5).status_code == 200
        except (httpx.TransportError, NotRunning):
            return False

    def wait(self, timeout_s: float = 30) -> int | None:
        """Its exit status once it has ended by itself; None where it was never started."""
        return None if self._process is None else self._process.wait(timeout_s)

    def down(self) -> None:
        """End it and all that runs in it, however far it came."""
        if self._process and not (self.state_dir / FILE).exists():
            self._end_half_started(self._process)
        done = subprocess.run(self.command("down"), capture_output=True, text=True, check=False)
        if self._process and self._process.poll() is None and done.returncode:
            self._process.send_signal(signal.SIGKILL)
        if self._process:
            self._process.wait(timeout=30)
        if done.returncode:
            raise CommandFailed(f"`seawall down` failed: {done.stderr.strip()}")

    @staticmethod
    def _end_half_started(process: "subprocess.Popen[bytes]") -> None:
        """`seawall down` knows only of a control plane that was ready once."""
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()

    def last_words(self, lines: int = 25) -> str:
        """The end of the log of `seawall up`."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def internet(self, *argv: str, timeout_s: float = 60) -> "subprocess.CompletedProcess[str]":
        """Run a program as a client on the internet and wait for it."""
        return subprocess.run(
            self.command("internet", "--", *argv),
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
            env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
        )

    def internet_server(self, module: str, *words: str) -> "subprocess.Popen[str]":
        """Start a Python module as a host on the internet; returns when it says that it is ready."""
        server = subprocess.Popen(
            self.command("internet", "--", sys.executable, "-m", module, *words),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert server.stdout and server.stderr
        if server.stdout.readline().strip() != "ready":
            raise CommandFailed(f"the host on the internet did not start: {server.stderr.read().strip()}")
        return server

    def get(self, url: str, timeout_s: float = 5) -> str | None:
        """What a client on the internet gets from a URL; None when nothing answers."""
        done = self.internet("curl", "-sS", "--max-time", str(timeout_s), url, timeout_s=timeout_s + 30)
        if done.returncode == 0:
            return done.stdout
        # 7: refused or no route, 28: no answer in time, 52, 56: cut off.  The rest is no fact about networks.
        if done.returncode in (7, 28, 52, 56):
            return None
        raise CommandFailed(f"curl {url}: status {done.returncode}: {done.stderr.strip()}")
