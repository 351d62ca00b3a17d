"""The model of the network: of a running Seawall, or as it was saved in a file."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from seawall.app.failure import CommandFailed
from seawall.app.running import read_running
from seawall.compile.network.snapshot import NetworkSnapshot


def read_model(state_dir: Path, file: Path | None) -> NetworkSnapshot:
    """Raises NotRunning, CommandFailed."""
    data = fetch_model(state_dir) if file is None else _read(file)
    try:
        return msgspec.json.decode(data, type=NetworkSnapshot)
    except msgspec.DecodeError as error:
        raise CommandFailed(
            f"{file or 'the running Seawall'}: not a model of this version: {error}"
        ) from error


def fetch_model(state_dir: Path) -> bytes:
    """The running Seawall's model as JSON."""
    return fetch_own(state_dir, "model")


def fetch_own(state_dir: Path, name: str, asked: Mapping[str, str] | None = None) -> bytes:
    """What one of the running Seawall's own URLs answers.  Raises NotRunning, CommandFailed."""
    return _ask("GET", state_dir, name, asked)


def tell_own(state_dir: Path, name: str, asked: Mapping[str, str]) -> bytes:
    """Have the running Seawall do something; its answer.  Raises NotRunning, CommandFailed."""
    return _ask("POST", state_dir, name, asked)


def _ask(method: str, state_dir: Path, name: str, asked: Mapping[str, str] | None) -> bytes:
    import httpx

    running = read_running(state_dir)
    headers = {"Authorization": f"Bearer {running.control_token}"}
    url = f"{running.url}/_seawall/{name}"
    reply = httpx.request(method, url, headers=headers, params=dict(asked or {}), timeout=30)
    if reply.status_code != 200:
        raise CommandFailed(_refusal(reply.content))
    return reply.content


def _refusal(body: bytes) -> str:
    """Seawall's own words, which come as {"message": ...}."""
    try:
        return msgspec.json.decode(body, type=dict[str, str])["message"]
    except (msgspec.DecodeError, KeyError):
        return f"the running Seawall refused: {body.decode(errors='replace').strip()}"


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise CommandFailed(f"{file}: {error.strerror}") from error
