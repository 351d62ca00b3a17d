"""A store in a temporary file."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from seawall.store.store import Store


@pytest.fixture
def tmp_path(memory_path: Path) -> Path:
    return memory_path


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / "state.db")
    yield opened
    opened.close()
