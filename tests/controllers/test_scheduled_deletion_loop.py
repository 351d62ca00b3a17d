"""What was marked for deletion goes on its day, not before."""

from datetime import timedelta

import pytest
from tests.controllers.recording import Bench

from seawall.controllers.loop import After, Done
from seawall.controllers.scheduled_deletion import reconcile_key, reconcile_secret
from seawall.model.kms_key import KmsAlias, KmsKey
from seawall.model.secret import Secret
from seawall.store.store import Store

DAY = 86_400


@pytest.fixture
def bench(store: Store) -> Bench:
    made = Bench(store)
    now = made.clock.now()
    due = now + timedelta(days=7)
    made.put(Secret(id="s", suffix="AbCdEf", created_at=now, last_changed_at=now, deletion_date=due))
    made.put(Secret(id="kept", suffix="AbCdEf", created_at=now, last_changed_at=now))
    made.put(
        KmsKey(id="k", material=b"", policy="{}", state="PendingDeletion", created_at=now, deletion_date=due)
    )
    made.put(KmsAlias(id="alias/a", key_id="k", created_at=now, updated_at=now))
    return made


def test_a_secret(bench: Bench) -> None:
    assert bench.look(reconcile_secret, "kept") == Done()
    assert bench.look(reconcile_secret, "s") == After(DAY)
    bench.clock.move(7 * DAY - 60)
    assert bench.look(reconcile_secret, "s") == After(60)
    bench.clock.move(60)
    assert bench.look(reconcile_secret, "s") == Done()
    assert [secret.id for secret in bench.store.all(Secret)] == ["kept"]
    assert bench.look(reconcile_secret, "s") == Done()


def test_a_key_and_its_aliases(bench: Bench) -> None:
    assert bench.look(reconcile_key, "k") == After(DAY)
    bench.clock.move(7 * DAY)
    assert bench.look(reconcile_key, "k") == Done()
    assert bench.store.all(KmsKey) == []
    assert bench.store.all(KmsAlias) == []
