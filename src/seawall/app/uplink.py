"""The uplink: tasks reach the real internet, without privileges, through pasta (package passt).

Off unless a user asks for it.  pasta opens ordinary sockets on the machine for what leaves the world and lets
nothing in.  What may leave, and where to, is decided in the world's uplink namespace.
"""

import asyncio
import logging
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

from seawall.host.world import World
from seawall.model.internet import (
    UPLINK_ADDRESS,
    UPLINK_DEVICE,
    UPLINK_GATEWAY,
    UPLINK_NAMESPACE,
    UPLINK_NETWORK,
)

log = logging.getLogger("seawall.uplink")
RETRY_S = 1.0


def pasta_command(world: World) -> list[str]:
    """pasta in the foreground, joined to the world's uplink namespace, forwarding nothing inwards."""
    proc, state_dir = Path("/proc") / str(world.pid), Path(world.state_dir)
    namespace = proc / "root" / state_dir.relative_to("/") / "run/netns" / UPLINK_NAMESPACE
    inwards = [word for flag in ("-t", "-u", "-T", "-U") for word in (flag, "none")]
    return [
        "pasta",
        *("--foreground", "--quiet", "--config-net", "-4", "--pid", str(_pid_file(state_dir))),
        *(("--runas", "0") if os.geteuid() == 0 else ()),
        *("--userns", str(proc / "ns/user"), "--netns", str(namespace), "--ns-ifname", UPLINK_DEVICE),
        *("--address", UPLINK_ADDRESS, "--netmask", UPLINK_NETWORK.rpartition("/")[2]),
        *("--gateway", UPLINK_GATEWAY, "--dns-forward", UPLINK_GATEWAY, "--no-map-gw"),
        *("--no-dhcp", "--no-dhcpv6", "--no-ndp", "--no-ra"),
        *inwards,
    ]


async def keep_uplink(world: Callable[[], World | None]) -> None:
    """Keep one pasta running for the present world; ended when cancelled.

    One that a killed control plane left goes on serving the same world, but is not ours to wait for: it is
    ended and followed by a new one.
    """
    while True:
        present = world()
        if present is not None:
            end_uplink(Path(present.state_dir))
            status, said = await _run(pasta_command(present))
            log.warning("uplink.ended", extra={"status": status, "said": said})
        await asyncio.sleep(RETRY_S)


def end_uplink(state_dir: Path) -> None:
    """End the pasta of a state directory, if one runs."""
    try:
        pid = int(_pid_file(state_dir).read_text())
        if b"pasta" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0]:
            os.kill(pid, signal.SIGTERM)
    except (FileNotFoundError, ProcessLookupError, ValueError):
        return
    finally:
        _pid_file(state_dir).unlink(missing_ok=True)


async def _run(command: list[str]) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        *command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    try:
        _, said = await process.communicate()
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
    return process.returncode, "".join(said.decode(errors="replace").strip().splitlines()[-1:])


def _pid_file(state_dir: Path) -> Path:
    return state_dir / "pasta.pid"
