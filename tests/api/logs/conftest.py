from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from seawall.store.log_events import LogEvents


@pytest.fixture
def log_events(tmp_path: Path, resources: dict[str, Any]) -> Iterator[LogEvents]:
    opened = LogEvents(tmp_path / "logs.db")
    resources["log_events"] = opened
    yield opened
    opened.close()


@pytest.fixture
def logs(aws: Any, log_events: LogEvents) -> Any:
    return aws("logs")
