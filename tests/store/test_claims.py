"""Names without documents that are taken by being referred to; and stores from before they were."""

import sqlite3
from datetime import datetime, timezone
from pathlib import Path

import msgspec

from seawall.model.elastic_ip import ElasticIp
from seawall.model.network_interface import NetworkInterface, PublicAssociation, SecondaryAddress
from seawall.model.resource import Ref
from seawall.store.schema import MIGRATIONS
from seawall.store.store import Store

ADDRESS = ElasticIp(id="eipalloc-1", public_ip="198.18.0.9")
INTERFACE = NetworkInterface(
    id="eni-1",
    vpc_id="vpc-1",
    subnet_id="subnet-1",
    availability_zone="us-east-1a",
    private_ip_address="10.0.0.4",
    mac_address="02:00:00:00:00:01",
    description="",
    group_ids=(),
    association=PublicAssociation(public_ip="198.18.0.7", ip_owner_id="amazon"),
    secondary_addresses=(
        SecondaryAddress(
            private_ip_address="10.0.0.5",
            association=PublicAssociation(public_ip="198.18.0.8", ip_owner_id="amazon"),
        ),
        SecondaryAddress(
            private_ip_address="10.0.0.6", draining_until=datetime(2026, 1, 1, tzinfo=timezone.utc)
        ),
    ),
)


def test_a_claim_lives_as_long_as_its_holder(tmp_path: Path) -> None:
    store = Store(tmp_path / "state.db")
    with store.write() as txn:
        txn.put(INTERFACE)
        assert txn.claimed(Ref("private_address", "subnet-1/10.0.0.6"))
    assert store.claims("private_address", "subnet-1/") == {f"subnet-1/10.0.0.{n}" for n in (4, 5, 6)}
    assert store.claim_count("private_address", "subnet-1/") == 3
    assert store.claim_count("private_address", "subnet-10/") == 0
    assert store.count(NetworkInterface) == 1
    with store.write() as txn:
        txn.delete(NetworkInterface, "eni-1")
    assert not store.claimed(Ref("private_address", "subnet-1/10.0.0.6"))
    assert store.claims("public_address", "") == set()
    assert store.count(NetworkInterface) == 0
    store.close()


def test_an_older_store_learns_the_claims(tmp_path: Path) -> None:
    """A store of schema 2, written without this version's code, has after opening what a new one has."""
    path = tmp_path / "state.db"
    old = sqlite3.connect(path)
    for script in MIGRATIONS[:2]:
        old.executescript(script)
    for document in (INTERFACE, ADDRESS):
        row = (document.KIND, document.id, 1, msgspec.json.encode(document))
        old.execute("INSERT INTO document VALUES (?, ?, ?, ?)", row)
    old.execute("PRAGMA user_version = 2")
    old.commit()
    old.close()
    store = Store(path)
    assert store.claims("private_address", "") == {f"subnet-1/10.0.0.{n}" for n in (4, 5, 6)}
    assert store.claims("public_address", "") == {"198.18.0.7", "198.18.0.8", "198.18.0.9"}
    store.close()
