"""Which OCI runtime to use: the fastest that works here, or the one asked for."""

import contextlib
import os
import shutil
import subprocess
from pathlib import Path

from seawall.host.kernel import MS_BIND, MS_NODEV, MS_NOEXEC, MS_NOSUID, MS_RDONLY, MS_REMOUNT, mount, unmount

PREFERENCE = ("crun", "runc")  # crun creates and starts in a third of runc's time
PROBE_TIMEOUT_S = 10


class NoRuntime(Exception):
    """No OCI runtime works here; the text says what was tried and what each said."""


def ready_runtime(wanted: str | None, run: Path) -> Path:
    """The runtime to call.  `run`: the world's own folder.  Raises NoRuntime."""
    runtime = choose_runtime(wanted, run / "probe")
    return read_only(runtime, run / "bin" / runtime.name)


def choose_runtime(wanted: str | None, scratch: Path) -> Path:
    """The path of the runtime asked for, else of the first of `PREFERENCE` that works.  Raises NoRuntime.

    A runtime works when it can list containers: crun looks at the machine's control groups for that, and
    refuses those it does not know.
    """
    said = []
    for name in (wanted,) if wanted else PREFERENCE:
        path = shutil.which(name)
        if path is None:
            said.append(f"{name} is not installed")
            continue
        trouble = _trouble(path, scratch / Path(name).name)
        if trouble is None:
            return Path(path)
        said.append(f"{name}: {trouble}")
    raise NoRuntime("; ".join(said))


def read_only(runtime: Path, place: Path) -> Path:
    """The same program, mounted at `place` so that nobody can write to it; itself where that cannot be.

    A container might overwrite the runtime that enters it, so crun copies itself into memory and starts that,
    each time anew, unless it finds itself on a read-only mount.  That is half of what its start costs.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    while os.path.ismount(place):  # by an agent before this one; the program may be newer now
        unmount(place)
    place.touch()
    try:
        mount(str(runtime), place, None, MS_BIND)
        kept = os.statvfs(place).f_flag & (MS_NOSUID | MS_NODEV | MS_NOEXEC)  # not ours to take off
        mount(None, place, None, MS_BIND | MS_REMOUNT | MS_RDONLY | kept)
    except OSError:
        with contextlib.suppress(OSError):
            unmount(place)
        return runtime
    return place


def _trouble(path: str, scratch: Path) -> str | None:
    scratch.mkdir(parents=True, exist_ok=True)
    try:
        done = subprocess.run(
            [path, f"--root={scratch}", "list"],
            capture_output=True,
            text=True,
            timeout=PROBE_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return None if done.returncode == 0 else done.stderr.strip() or f"exit status {done.returncode}"
