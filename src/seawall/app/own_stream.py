"""Reading one of Seawall's own answers that go on, a JSON value a line."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from seawall.app.failure import NOT_RUNNING, CommandFailed
from seawall.app.line_stream import ENDED
from seawall.app.running import read_running


def own_lines(state_dir: Path, name: str, asked: Mapping[str, str]) -> Iterator[bytes]:
    """The lines as they come.  Raises NotRunning, CommandFailed (also when Seawall ends meanwhile)."""
    import httpx

    running = read_running(state_dir)
    headers = {"Authorization": f"Bearer {running.control_token}"}
    url, patience = f"{running.url}/_seawall/{name}", httpx.Timeout(30, read=None)
    try:
        with httpx.stream("GET", url, params=dict(asked), headers=headers, timeout=patience) as reply:
            if reply.status_code != 200:
                raise CommandFailed(f"the running Seawall refused: {reply.read().decode().strip()}")
            rest = b""
            for chunk in reply.iter_raw():
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    if line + b"\n" == ENDED:
                        raise _ended()
                    yield line
    except httpx.TransportError:
        raise _ended() from None


def _ended() -> CommandFailed:
    return CommandFailed("Seawall ended; `seawall up` starts it again.", status=NOT_RUNNING)
