"""Request parameters that know which of their members an operation has looked at.

AWS has thousands of members.  One that no code reads would be accepted and silently ignored, the very thing
an emulator must not do.  So parameters note what is read, and `registry.invoke` refuses a call that leaves
a given member unread and does not name it as `stored only`.
"""

from collections.abc import Iterator
from typing import Any


class Params(dict[str, Any]):
    """A dict whose reads are noted, at every depth."""

    def __init__(self, plain: dict[str, Any]) -> None:
        super().__init__({key: _wrap(value) for key, value in plain.items()})
        self._read: set[str] = set()

    def __getitem__(self, key: str) -> Any:
        self._read.add(key)
        return super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        self._read.add(key)
        return super().get(key, default)

    def __contains__(self, key: object) -> bool:
        self._read.add(str(key))
        return super().__contains__(key)

    def __iter__(self) -> Iterator[str]:
        self._read.update(super().keys())
        return super().__iter__()

    def keys(self) -> Any:
        self._read.update(super().keys())
        return super().keys()

    def items(self) -> Any:
        self._read.update(super().keys())
        return super().items()

    def values(self) -> Any:
        self._read.update(super().keys())
        return super().values()

    def plain(self) -> dict[str, Any]:
        """A plain copy; counts as reading everything (for code that checks the whole shape itself)."""
        self._read.update(super().keys())
        return {key: _plain(value) for key, value in super().items()}

    def copy_unread(self) -> dict[str, Any]:
        """A plain copy that leaves the notes alone (for logs and fingerprints)."""
        return {key: _copy(value) for key, value in super().items()}

    def unread(self, prefix: str = "") -> list[str]:
        """Dotted paths of the members that were given and never looked at."""
        found: list[str] = []
        for key, value in super().items():
            path = f"{prefix}{key}"
            if key not in self._read:
                found.append(path)
            else:
                found += _unread(value, path)
        return found


def _wrap(value: Any) -> Any:
    if isinstance(value, dict):
        return Params(value)
    if isinstance(value, list):
        return [_wrap(item) for item in value]
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, Params):
        return value.plain()
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


def _copy(value: Any) -> Any:
    if isinstance(value, Params):
        return value.copy_unread()
    if isinstance(value, list):
        return [_copy(item) for item in value]
    return value


def _unread(value: Any, path: str) -> list[str]:
    if isinstance(value, Params):
        return value.unread(f"{path}.")
    if isinstance(value, list):
        return [name for item in value for name in _unread(item, path)]
    return []
