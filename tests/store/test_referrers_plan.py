"""Who refers to one resource is looked up, however many documents of the kind there are."""

from pathlib import Path

from seawall.model.resource import Ref
from seawall.model.target_group import Target
from seawall.store.store import Store


def test_only_the_references_are_looked_at(tmp_path: Path) -> None:
    store = Store(tmp_path / "state.db")
    seen: list[str] = []
    store._db.set_trace_callback(seen.append)
    store.referrers(Target, Ref("task", "a"))
    store._db.set_trace_callback(None)
    (statement,) = seen
    plan = [row[3] for row in store._db.execute(f"EXPLAIN QUERY PLAN {statement}")]
    assert plan[0].startswith("SEARCH r USING COVERING INDEX reference_to"), plan
    assert len(plan) == 2, plan
    store.close()
