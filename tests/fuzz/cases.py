"""Cases: a world and probes as JSON, so that a difference, once found, is tried for ever."""

from pathlib import Path

import msgspec
from tests.fuzz.probes import Probe

from seawall.compile.network.snapshot import NetworkSnapshot

FOLDER = Path(__file__).parent / "cases"


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """`about` says in a sentence what went wrong there.

    crowded   numbers are given out of few, see trial.program_of
    """

    about: str
    snapshot: NetworkSnapshot
    probes: tuple[Probe, ...]
    crowded: bool = False


def read_case(path: Path) -> Case:
    return msgspec.json.decode(path.read_bytes(), type=Case)


def write_case(name: str, case: Case) -> Path:
    """Indented, without nulls: people read it."""
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"{name}.json"
    plain = _without_nulls(msgspec.to_builtins(case))
    path.write_bytes(msgspec.json.format(msgspec.json.encode(plain), indent=1) + b"\n")
    return path


def _without_nulls(value: object) -> object:
    if isinstance(value, dict):
        return {name: _without_nulls(member) for name, member in value.items() if member is not None}
    if isinstance(value, list | tuple):
        return [_without_nulls(member) for member in value]
    return value
