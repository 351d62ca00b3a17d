from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from seawall.app.registry import Registry


@pytest.fixture
def registry(tmp_path: Path, resources: dict[str, Any], event_loop_runner: Any) -> Iterator[Registry]:
    """The real registry process, as an operation's port."""
    made = Registry(tmp_path)
    event_loop_runner.run_until_complete(made.start())
    resources["registry"] = made
    yield made
    event_loop_runner.run_until_complete(made.stop())


@pytest.fixture
def ecr(aws: Callable[..., Any], registry: Registry) -> Any:
    return aws("ecr")
