"""Editions of a document are kept, each once and in order, with the document itself."""

from datetime import datetime, timezone
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.fresh_task import fresh_task

from seawall.model.cluster import Cluster
from seawall.model.task import Task
from seawall.store import store as store_module
from seawall.store.store import Store

TASK = fresh_task(security_group_ids=(), containers=())


def put(store: Store, *versions: int) -> None:
    with store.write() as txn:
        for version in versions:
            txn.put(replace(TASK, version=version))


def versions(store: Store, after: int = 0) -> list[int]:
    return [edition.resource.version for edition in store.history(Task, after)]


def test_every_version_is_kept_also_those_of_one_transaction(tmp_path: Path) -> None:
    store = Store(tmp_path / "state.db")
    put(store, 1, 2)
    put(store, 3)
    store.close()
    store = Store(tmp_path / "state.db")
    put(store, 4)
    assert versions(store) == [1, 2, 3, 4]
    second = store.history(Task, 0)[1]
    assert versions(store, second.number) == [3, 4]
    assert second.resource == replace(TASK, version=2)
    assert datetime.fromisoformat(second.at.replace("Z", "+00:00")) <= datetime.now(timezone.utc)
    store.close()


def test_what_changes_no_version_is_no_edition(tmp_path: Path) -> None:
    store = Store(tmp_path / "state.db")
    put(store, 1)
    with store.write() as txn:
        txn.put(replace(TASK, tags={"a": "b"}))
        txn.put(Cluster(id="default"))
    assert versions(store) == [1]
    store.close()


def test_what_is_undone_never_was(tmp_path: Path) -> None:
    store = Store(tmp_path / "state.db")
    with pytest.raises(RuntimeError), store.write() as txn:
        txn.put(TASK)
        raise RuntimeError
    assert versions(store) == []
    store.close()


def test_the_newest_are_kept_and_numbers_never_begin_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "KEPT_EDITIONS", 3)
    store = Store(tmp_path / "state.db")
    put(store, *range(1, 6))
    assert versions(store) == [3, 4, 5]
    store.clear()
    assert versions(store) == []
    assert store.newest_edition() == 5
    put(store, 1)
    assert [edition.number for edition in store.history(Task)] == [6]
    store.close()


def test_a_listener_can_be_forgotten(tmp_path: Path) -> None:
    store = Store(tmp_path / "state.db")
    woken: list[int] = []
    forget = store.on_commit(lambda: woken.append(1))
    put(store, 1)
    forget()
    put(store, 2)
    assert woken == [1]
    store.close()
