"""Podman as a baseline, with its default bridge, in a namespace and a storage of its own."""

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bench.place import Place, private_namespace

# Podman asks for more than a confined root may have; these every root has.
LIMITS = ("--ulimit=nofile=4096:4096", "--ulimit=nproc=4096:4096")


class Podman:
    """Runs podman where its bridge and rules end with the benchmark."""

    def __init__(self, holder: int, directory: Path) -> None:
        self._enter = ("nsenter", "--net", "--mount", "-t", str(holder))
        self._options = (
            f"--root={directory}/storage",
            f"--runroot={directory}/run",
            f"--tmpdir={directory}/tmp",
            f"--runtime={_runtime()}",
            "--cgroup-manager=cgroupfs",
            "--events-backend=none",
        )
        self.image = ""

    def call(self, *words: str) -> str:
        done = subprocess.run(
            [*self._enter, "podman", *self._options, *words], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"podman {words[0]}: {done.stderr.strip()}")
        return done.stdout.strip()

    def load(self, layout: Path) -> None:
        """Take an image out of an OCI layout."""
        self.image = self.call("pull", "--quiet", f"oci:{layout}").splitlines()[-1]

    def run(self) -> tuple[str, float]:
        """`podman run -d`; the container's id and the seconds it took."""
        began = time.perf_counter()
        container = self.call("run", "-d", *LIMITS, self.image)
        return container, time.perf_counter() - began

    def remove(self, container: str) -> None:
        self.call("rm", "-f", "-t", "0", container)

    def place(self, container: str) -> Place:
        described = json.loads(self.call("inspect", container))[0]
        settings = described["NetworkSettings"]
        address = settings["IPAddress"] or next(iter(settings["Networks"].values()))["IPAddress"]
        return Place(("nsenter", "--net", "-t", str(described["State"]["Pid"])), address)


def _runtime() -> str:
    """crun, podman's own choice, but where it cannot work: with both cgroup versions mounted."""
    return "runc" if Path("/sys/fs/cgroup/unified").is_dir() else "crun"


@contextmanager
def podman(layout: Path) -> Iterator[Podman]:
    """Podman with the image loaded; everything of it is gone when the block ends."""
    directory = Path(tempfile.mkdtemp(prefix="seawall-bench-podman-"))
    try:
        with private_namespace() as holder:
            runner = Podman(holder, directory)
            runner.load(layout)
            try:
                yield runner
            finally:
                runner.call("rm", "-a", "-f", "-t", "0")
                runner.call("rmi", "-a", "-f")
    finally:
        shutil.rmtree(directory, ignore_errors=True)
        _remove_empty_groups()


def _remove_empty_groups() -> None:
    """Podman keeps the parents of its control groups; one that somebody still uses cannot be removed."""
    for folder, names, _ in os.walk("/sys/fs/cgroup"):  # in which groups of others come and go meanwhile
        if "libpod_parent" in names:
            names.remove("libpod_parent")
            parent = Path(folder, "libpod_parent")
            for group in (*parent.glob("*/"), parent):
                with suppress(OSError):
                    group.rmdir()
