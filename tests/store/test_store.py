"""The store: all or nothing, compare-and-set, references, the feed of changes, and surviving a crash."""

import random
import sqlite3
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from seawall.model.resource import Ref
from seawall.model.subnet import Subnet
from seawall.model.vpc import CidrAssociation, Vpc
from seawall.store.client_token import TokenMismatch, record, replay
from seawall.store.errors import Busy, Conflict, NotFound
from seawall.store.store import Store


def vpc(id: str, cidr: str = "10.0.0.0/16") -> Vpc:
    return Vpc(id=id, cidr_blocks=(CidrAssociation(association_id="vpc-cidr-assoc-1", cidr_block=cidr),))


def subnet(id: str, vpc_id: str) -> Subnet:
    return Subnet(
        id=id,
        vpc_id=vpc_id,
        cidr_block="10.0.0.0/24",
        availability_zone="us-east-1a",
        availability_zone_id="use1-az1",
    )


@pytest.fixture
def store(tmp_path: Path):
    opened = Store(tmp_path / "state.db")
    yield opened
    opened.close()


def test_what_was_put_is_found_again_after_reopening(tmp_path: Path) -> None:
    store = Store(tmp_path / "state.db")
    with store.write() as txn:
        txn.put(vpc("vpc-1"), expect=0)
    store.close()
    again = Store(tmp_path / "state.db")
    assert again.get(Vpc, "vpc-1") == vpc("vpc-1")
    assert again.revision() == 1
    again.close()


def test_an_exception_undoes_the_whole_transaction(store: Store) -> None:
    with pytest.raises(RuntimeError, match="half way"), store.write() as txn:
        txn.put(vpc("vpc-1"))
        assert txn.find(Vpc, "vpc-1") is not None
        raise RuntimeError("half way")
    assert store.find(Vpc, "vpc-1") is None
    assert store.changes(0) == []
    assert store.generation(Vpc, "vpc-1") == 0


def test_an_undone_change_leaves_the_old_value_readable(store: Store) -> None:
    with store.write() as txn:
        txn.put(vpc("vpc-1"))
    with pytest.raises(RuntimeError), store.write() as txn:
        txn.put(vpc("vpc-1", "10.1.0.0/16"))
        assert txn.get(Vpc, "vpc-1").cidr_block == "10.1.0.0/16"
        raise RuntimeError
    assert store.get(Vpc, "vpc-1").cidr_block == "10.0.0.0/16"


def test_what_was_not_there_is_found_once_it_is(store: Store) -> None:
    assert store.find(Vpc, "vpc-1") is None
    with pytest.raises(RuntimeError), store.write() as txn:
        txn.put(vpc("vpc-1"))
        assert store.find(Vpc, "vpc-1") is not None
        raise RuntimeError
    assert store.find(Vpc, "vpc-1") is None
    with store.write() as txn:
        txn.put(vpc("vpc-1"))
    assert store.find(Vpc, "vpc-1") == vpc("vpc-1")
    with pytest.raises(RuntimeError), store.write() as txn:
        txn.delete(Vpc, "vpc-1")
        assert store.find(Vpc, "vpc-1") is None
        raise RuntimeError
    assert store.find(Vpc, "vpc-1") == vpc("vpc-1")


def test_asking_for_what_never_was_takes_only_so_much_memory(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seawall.store.store.MOST_ABSENT", 3)
    for number in range(10):
        assert store.find(Vpc, f"vpc-{number}") is None
    assert 0 < len(store._absent) <= 3


def test_all_of_a_kind_are_those_of_the_moment(store: Store) -> None:
    """A list is kept as long as nothing of its kind changes, also within a transaction that is undone."""
    with store.write() as txn:
        txn.put(vpc("vpc-1"))
    listed = store.all(Vpc)
    listed.clear()
    assert [v.id for v in store.all(Vpc)] == ["vpc-1"]
    with pytest.raises(RuntimeError), store.write() as txn:
        txn.put(vpc("vpc-2"))
        txn.delete(Vpc, "vpc-1")
        assert [v.id for v in txn.all(Vpc)] == ["vpc-2"]
        raise RuntimeError
    assert [v.id for v in store.all(Vpc)] == ["vpc-1"]
    with store.write() as txn:
        txn.put(vpc("vpc-1", "10.1.0.0/16"))
        assert [v.cidr_block for v in txn.all(Vpc)] == ["10.1.0.0/16"]
        txn.put(vpc("vpc-0"))
    assert [v.id for v in store.all(Vpc)] == ["vpc-0", "vpc-1"]
    assert store.all(Vpc)[1] is store.find(Vpc, "vpc-1")
    store.clear()
    assert store.all(Vpc) == []


def test_all_of_a_kind_are_those_of_the_moment_whatever_went_before(store: Store) -> None:
    dice = random.Random(1)
    known: dict[str, str] = {}
    for turn in range(300):
        now = dict(known)
        kept = dice.random() < 0.7
        with suppress(LookupError), store.write() as txn:
            for number in dice.sample(range(20), dice.randrange(4)):
                id, block = f"vpc-{number}", f"10.{turn % 200}.0.0/16"
                if id in now and dice.random() < 0.5:
                    txn.delete(Vpc, id)
                    del now[id]
                else:
                    txn.put(vpc(id, block))
                    now[id] = block
                if dice.random() < 0.3:
                    assert {v.id: v.cidr_block for v in txn.all(Vpc)} == now
            if not kept:
                raise LookupError
        known = now if kept else known
        if dice.random() < 0.7:
            assert [(v.id, v.cidr_block) for v in store.all(Vpc)] == sorted(known.items())


def test_a_full_disk_is_told_as_that_and_passes(store: Store) -> None:
    (pages,) = store._db.execute("PRAGMA page_count").fetchone()
    store._db.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(sqlite3.OperationalError, match="full"), store.write() as txn:
        for number in range(1000):
            txn.put(vpc(f"vpc-{number}"))
    assert store.find(Vpc, "vpc-0") is None
    store._db.execute("PRAGMA max_page_count = 1000000")
    with store.write() as txn:
        txn.put(vpc("vpc-0"))
    assert store.find(Vpc, "vpc-0") is not None


def test_compare_and_set_refuses_a_stale_writer(store: Store) -> None:
    with store.write() as txn:
        assert txn.put(vpc("vpc-1"), expect=0) == 1
    with store.write() as txn:
        assert txn.put(vpc("vpc-1", "10.1.0.0/16"), expect=1) == 2
    with pytest.raises(Conflict), store.write() as txn:
        txn.put(vpc("vpc-1", "10.2.0.0/16"), expect=1)
    with pytest.raises(Conflict), store.write() as txn:
        txn.put(vpc("vpc-1", "10.2.0.0/16"), expect=0)
    assert store.get(Vpc, "vpc-1").cidr_block == "10.1.0.0/16"


def test_putting_the_same_value_again_is_no_change(store: Store) -> None:
    with store.write() as txn:
        txn.put(vpc("vpc-1"))
    woken = []
    store.on_commit(lambda: woken.append(1))
    with store.write() as txn:
        assert txn.put(vpc("vpc-1")) == 1
    assert store.revision() == 1
    assert woken == []


def test_references_answer_who_hangs_on_what(store: Store) -> None:
    with store.write() as txn:
        txn.put(vpc("vpc-1"))
        txn.put(vpc("vpc-2"))
        txn.put(subnet("subnet-1", "vpc-1"))
        txn.put(subnet("subnet-2", "vpc-2"))
    assert [s.id for s in store.referrers(Subnet, Ref("vpc", "vpc-1"))] == ["subnet-1"]
    with store.write() as txn:
        txn.put(subnet("subnet-1", "vpc-2"))
    assert store.referrers(Subnet, Ref("vpc", "vpc-1")) == []
    with store.write() as txn:
        txn.delete(Subnet, "subnet-1")
    assert store.referrer_refs(Ref("vpc", "vpc-2")) == [Ref("subnet", "subnet-2")]


def test_the_feed_tells_every_change_in_order(store: Store) -> None:
    with store.write() as txn:
        txn.put(vpc("vpc-1"))
        txn.put(subnet("subnet-1", "vpc-1"))
    with store.write() as txn:
        txn.delete(Subnet, "subnet-1")
    told = [(c.revision, c.ref.id, c.generation) for c in store.changes(0)]
    assert told == [(1, "vpc-1", 1), (2, "subnet-1", 1), (3, "subnet-1", 0)]
    assert [c.revision for c in store.changes(2)] == [3]
    store.prune_changes(keep=1)
    assert [c.revision for c in store.changes(0)] == [3]
    assert store.revision() == 3


def test_revisions_never_repeat_after_pruning(store: Store) -> None:
    with store.write() as txn:
        txn.put(vpc("vpc-1"))
    store.prune_changes(keep=0)
    with store.write() as txn:
        txn.put(vpc("vpc-2"))
    assert [c.revision for c in store.changes(0)] == [2]


def test_removing_what_is_not_there_says_so(store: Store) -> None:
    with pytest.raises(NotFound), store.write() as txn:
        txn.delete(Vpc, "vpc-1")
    with pytest.raises(NotFound):
        store.get(Vpc, "vpc-1")


def test_two_owners_of_one_store_are_refused(store: Store, tmp_path: Path) -> None:
    with pytest.raises(Busy):
        Store(tmp_path / "state.db")


def test_a_store_of_a_newer_seawall_is_refused(tmp_path: Path) -> None:
    Store(tmp_path / "state.db").close()
    connection = sqlite3.connect(tmp_path / "state.db")
    connection.execute("PRAGMA user_version = 999")
    connection.close()
    with pytest.raises(Busy, match="newer"):
        Store(tmp_path / "state.db")


def test_a_transaction_inside_another_is_a_mistake(store: Store) -> None:
    with store.write(), pytest.raises(RuntimeError, match="open already"), store.write():
        pass


def test_clear_tells_the_feed_about_everything(store: Store) -> None:
    with store.write() as txn:
        txn.put(vpc("vpc-1"))
        txn.put(subnet("subnet-1", "vpc-1"))
    store.clear()
    assert store.all(Vpc) == []
    assert store.all(Subnet) == []
    assert {c.ref.id for c in store.changes(2)} == {"vpc-1", "subnet-1"}


def test_a_client_token_answers_again_and_refuses_other_parameters(store: Store) -> None:
    with store.write() as txn:
        assert replay(txn, "ecs:RunTask", "t", {"count": 1}) is None
        record(txn, "ecs:RunTask", "t", {"count": 1}, {"tasks": ["a"]})
    with store.write() as txn:
        assert replay(txn, "ecs:RunTask", "t", {"count": 1}) == {"tasks": ["a"]}
        assert replay(txn, "ecs:CreateService", "t", {"count": 1}) is None
        with pytest.raises(TokenMismatch) as refused:
            replay(txn, "ecs:RunTask", "t", {"count": 2})
        assert refused.value.answer == {"tasks": ["a"]}


WRITES_FOR_EVER = """
import itertools, pathlib, sys
from seawall.model.subnet import Subnet
from seawall.model.vpc import CidrAssociation, Vpc
from seawall.store.store import Store

store = Store(pathlib.Path(sys.argv[1]))
for number in itertools.count():
    with store.write() as txn:
        block = CidrAssociation(association_id="a", cidr_block="10.0.0.0/16")
        txn.put(Vpc(id=f"vpc-{number}", cidr_blocks=(block,)))
        txn.put(
            Subnet(
                id=f"subnet-{number}",
                vpc_id=f"vpc-{number}",
                cidr_block="10.0.0.0/24",
                availability_zone="us-east-1a",
                availability_zone_id="use1-az1",
            )
        )
    print(number, flush=True)
"""


@pytest.mark.parametrize("after", [1, 7, 40])
def test_kill_9_loses_nothing_that_was_answered(tmp_path: Path, after: int) -> None:
    command = [sys.executable, "-c", WRITES_FOR_EVER, str(tmp_path / "state.db")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        last = next(int(line) for line in writer.stdout if int(line) >= after)
        writer.kill()
        for line in writer.stdout:
            last = int(line)
    store = Store(tmp_path / "state.db")
    vpcs, subnets = store.all(Vpc), store.all(Subnet)
    assert {f"vpc-{n}" for n in range(last + 1)} <= {v.id for v in vpcs}
    assert {s.vpc_id for s in subnets} == {v.id for v in vpcs}
    assert store.revision() == len(vpcs) + len(subnets)
    store.close()
