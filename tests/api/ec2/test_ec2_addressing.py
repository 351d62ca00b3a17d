"""Addresses: never one twice, never a reserved one, every one in the end, and none again too soon."""

from datetime import datetime, timezone
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.examples import examples

from seawall.api.ec2.addressing import claim_private_address, claim_public_address, free_address_count
from seawall.api.ec2.birth import new_subnet, new_vpc
from seawall.api.ec2.interface_creation import create_interface
from seawall.model.elastic_ip import ElasticIp
from seawall.model.internet import PUBLIC_POOL
from seawall.model.network_interface import NetworkInterface
from seawall.model.resource import Ref, Resource
from seawall.model.subnet import Subnet
from seawall.store.store import Store, Transaction
from seawall.wire.errors import ApiError

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)


def make_subnet(txn: Transaction, block: str) -> Subnet:
    vpc = new_vpc(txn, block, dhcp_options_id="dopt-1")
    return new_subnet(txn, vpc, block, availability_zone="us-east-1a", availability_zone_id="use1-az1")


def make_interface(
    txn: Transaction,
    subnet: Subnet,
    public: bool | ElasticIp | None = None,
    wanted: IPv4Address | None = None,
) -> NetworkInterface:
    return create_interface(
        txn,
        account="123456789012",
        subnet=subnet,
        group_ids=(),
        description="test",
        requester_id="1",
        owner=Ref("task", "t"),
        now=NOW,
        public=public,
        wanted=wanted,
    )


@settings(max_examples=examples(40), deadline=None)
@given(prefix=st.integers(26, 28), steps=st.lists(st.integers(0, 99), min_size=1, max_size=80))
def test_claims_never_collide(prefix: int, steps: list[int]) -> None:
    """Even steps claim, odd ones release: a plain set says what must be true after each."""
    network = IPv4Network(f"10.9.0.0/{prefix}")
    usable = {str(address) for address in list(network)[4:-1]}
    held: dict[str, str] = {}
    with TemporaryDirectory() as folder:
        store = Store(Path(folder) / "state.db")
        with store.write() as txn:
            subnet = make_subnet(txn, str(network))
            for step in steps:
                if step % 2 and held:
                    address = sorted(held)[step % len(held)]
                    txn.delete(NetworkInterface, held.pop(address))
                elif len(held) < len(usable):
                    made = make_interface(txn, subnet)
                    assert made.private_ip_address in usable - held.keys()
                    held[made.private_ip_address] = made.id
                assert free_address_count(txn, subnet) == len(usable) - len(held)
        store.close()


def test_a_full_subnet_says_so(store: Store) -> None:
    with store.write() as txn:
        subnet = make_subnet(txn, "10.9.0.0/28")
        addresses = [make_interface(txn, subnet).private_ip_address for _ in range(11)]
        assert addresses == [f"10.9.0.{last}" for last in range(4, 15)]
        with pytest.raises(ApiError) as caught:
            claim_private_address(txn, subnet)
    assert caught.value.code == "InsufficientFreeAddressesInSubnet"
    assert caught.value.message == (
        "The specified subnet does not have enough free addresses to satisfy the request."
    )


def test_a_released_address_rests_until_the_others_had_their_turn(store: Store) -> None:
    with store.write() as txn:
        subnet = make_subnet(txn, "10.9.0.0/28")
        seen = []
        for _ in range(12):
            made = make_interface(txn, subnet)
            seen.append(made.private_ip_address)
            txn.delete(NetworkInterface, made.id)
    assert len(set(seen[:11])) == 11
    assert seen[11] == seen[0]


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ("10.9.0.3", "InvalidParameterValue"),
        ("10.9.0.15", "InvalidParameterValue"),
        ("10.9.1.4", "InvalidParameterValue"),
        ("10.9.0.7", "InvalidIPAddress.InUse"),
    ],
)
def test_an_address_that_cannot_be_had(store: Store, wanted: str, code: str) -> None:
    with store.write() as txn:
        subnet = make_subnet(txn, "10.9.0.0/28")
        make_interface(txn, subnet, wanted=IPv4Address("10.9.0.7"))
        with pytest.raises(ApiError) as caught:
            claim_private_address(txn, subnet, IPv4Address(wanted))
    assert caught.value.code == code


def test_public_addresses_of_all_kinds_are_distinct(store: Store) -> None:
    with store.write() as txn:
        subnet = make_subnet(txn, "10.9.0.0/26")
        elastic = ElasticIp(id="eipalloc-1", public_ip=claim_public_address(txn))
        txn.put(elastic)
        found = [elastic.public_ip]
        for _ in range(5):
            association = make_interface(txn, subnet, public=True).association
            assert association is not None
            assert (association.ip_owner_id, association.association_id) == ("amazon", None)
            found.append(association.public_ip)
    assert len(set(found)) == 6
    assert all(IPv4Address(address) in IPv4Network(PUBLIC_POOL) for address in found)


def test_a_new_interface_looks_at_none_of_the_others(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    kinds: list[str] = []
    decode = Transaction._decode

    def noting(self: Transaction, ref: Ref, generation: int, body: bytes) -> Resource:
        kinds.append(ref.kind)
        return decode(self, ref, generation, body)

    with store.write() as txn:
        subnet = make_subnet(txn, "10.9.0.0/16")
        for _ in range(20):
            make_interface(txn, subnet, public=True)
        monkeypatch.setattr(Transaction, "_decode", noting)
        make_interface(txn, subnet, public=True)
    assert kinds
    assert "network_interface" not in kinds
    assert "elastic_ip" not in kinds
