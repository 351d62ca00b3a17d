"""One look at a NAT gateway: what was in the store, what the host knows, what is in the store then."""

from datetime import timedelta

import pytest
from msgspec.structs import replace
from tests.controllers.recording import Bench

from seawall.controllers.loop import After, Done
from seawall.controllers.nat_gateway import KEEP_ENDED, reconcile
from seawall.model.elastic_ip import ElasticIp
from seawall.model.internet_gateway import InternetGateway
from seawall.model.nat_gateway import NatGateway
from seawall.model.network_interface import (
    InterfaceAttachment,
    NetworkInterface,
    PublicAssociation,
    SecondaryAddress,
)
from seawall.model.resource import Ref
from seawall.store.store import Store


@pytest.fixture
def bench(store: Store) -> Bench:
    """A pending public gateway with all it needs, that the host has not heard of."""
    made = Bench(store)
    born = made.clock.now()
    attachment = InterfaceAttachment(attachment_id="ela-attach-1", instance_owner_id="aws", attach_time=born)
    made.put(
        InternetGateway(id="igw-1", vpc_id="vpc-1"),
        ElasticIp(
            id="eipalloc-1",
            public_ip="198.18.0.1",
            association_id="eipassoc-1",
            network_interface_id="eni-1",
            private_ip_address="10.0.0.5",
        ),
        NetworkInterface(
            id="eni-1",
            vpc_id="vpc-1",
            subnet_id="subnet-1",
            availability_zone="us-east-1a",
            private_ip_address="10.0.0.5",
            mac_address="0a:00:00:00:00:01",
            description="",
            group_ids=(),
            interface_type="nat_gateway",
            attachment=attachment,
            owner=Ref("nat_gateway", "nat-1"),
        ),
        NatGateway(
            id="nat-1",
            vpc_id="vpc-1",
            subnet_id="subnet-1",
            allocation_id="eipalloc-1",
            network_interface_id="eni-1",
            create_time=born,
        ),
    )
    made.meet()
    return made


def gateway(bench: Bench) -> NatGateway:
    return bench.store.get(NatGateway, "nat-1")


def test_it_is_not_available_before_the_host_translates(bench: Bench) -> None:
    assert bench.look(reconcile, "nat-1") == Done()
    assert gateway(bench).state == "pending"
    bench.settle()
    assert bench.look(reconcile, "nat-1") == Done()
    assert gateway(bench).state == "available"
    interface = bench.store.get(NetworkInterface, "eni-1")
    assert interface.status == "in-use"
    assert interface.attachment is not None
    assert interface.attachment.status == "attached"


def test_a_change_of_its_interface_has_to_be_in_force_too(bench: Bench) -> None:
    bench.settle()
    bench.put(replace(bench.store.get(NetworkInterface, "eni-1"), mac_address="0a:00:00:00:00:02"))
    bench.look(reconcile, "nat-1")
    assert gateway(bench).state == "pending"
    bench.settle()
    bench.look(reconcile, "nat-1")
    assert gateway(bench).state == "available"


def test_without_an_internet_gateway_it_fails_and_gives_everything_back(bench: Bench) -> None:
    bench.put(InternetGateway(id="igw-1", vpc_id=None))
    bench.look(reconcile, "nat-1")
    failed = gateway(bench)
    assert (failed.state, failed.failure_code) == ("failed", "Gateway.NotAttached")
    assert failed.failure_message == "Network vpc-1 has no Internet gateway attached"
    assert bench.store.find(NetworkInterface, "eni-1") is None
    address = bench.store.get(ElasticIp, "eipalloc-1")
    assert (address.association_id, address.network_interface_id) == (None, None)


def test_an_address_that_another_took_stays_with_it(bench: Bench) -> None:
    bench.put(replace(bench.store.get(ElasticIp, "eipalloc-1"), network_interface_id="eni-other"))
    bench.look(reconcile, "nat-1")
    assert gateway(bench).failure_code == "Resource.AlreadyAssociated"
    assert bench.store.get(ElasticIp, "eipalloc-1").network_interface_id == "eni-other"


def test_it_is_deleted_once_the_host_no_longer_translates(bench: Bench) -> None:
    bench.settle()
    bench.look(reconcile, "nat-1")
    bench.put(replace(gateway(bench), state="deleting"))
    bench.look(reconcile, "nat-1")
    assert gateway(bench).state == "deleting"
    assert bench.store.find(NetworkInterface, "eni-1") is not None
    bench.settle()
    bench.look(reconcile, "nat-1")
    assert (gateway(bench).state, gateway(bench).delete_time) == ("deleted", bench.clock.now())
    assert bench.store.find(NetworkInterface, "eni-1") is None
    assert bench.store.get(ElasticIp, "eipalloc-1").association_id is None


@pytest.mark.parametrize("state", ["deleted", "failed"])
def test_what_has_ended_stays_visible_for_an_hour(bench: Bench, state: str) -> None:
    bench.put(replace(gateway(bench), state=state, delete_time=bench.clock.now()))
    bench.clock.move(60)
    step = bench.look(reconcile, "nat-1")
    assert step == After((KEEP_ENDED - timedelta(seconds=60)).total_seconds())
    bench.clock.move(step.seconds)
    assert bench.look(reconcile, "nat-1") == Done()
    assert bench.store.find(NatGateway, "nat-1") is None


def test_a_gateway_that_is_gone_needs_nothing(bench: Bench) -> None:
    assert bench.look(reconcile, "nat-absent") == Done()


def test_an_available_one_is_left_alone(bench: Bench) -> None:
    bench.put(replace(gateway(bench), state="available"))
    before = bench.store.revision()
    assert bench.look(reconcile, "nat-1") == Done()
    assert bench.store.revision() == before


def test_a_draining_address_goes_when_its_time_is_over(bench: Bench) -> None:
    born = bench.clock.now()
    association = PublicAssociation(
        public_ip="198.18.0.2", ip_owner_id="1", allocation_id="eipalloc-2", association_id="eipassoc-2"
    )
    leaving = SecondaryAddress(
        private_ip_address="10.0.0.6", association=association, draining_until=born + timedelta(seconds=350)
    )
    staying = SecondaryAddress(private_ip_address="10.0.0.7")
    bench.put(
        ElasticIp(
            id="eipalloc-2",
            public_ip="198.18.0.2",
            association_id="eipassoc-2",
            network_interface_id="eni-1",
            private_ip_address="10.0.0.6",
        ),
        replace(gateway(bench), state="available"),
        replace(bench.store.get(NetworkInterface, "eni-1"), secondary_addresses=(leaving, staying)),
    )
    assert bench.look(reconcile, "nat-1") == After(350)
    assert bench.store.get(NetworkInterface, "eni-1").secondary_addresses == (leaving, staying)
    bench.clock.move(350)
    assert bench.look(reconcile, "nat-1") == Done()
    assert bench.store.get(NetworkInterface, "eni-1").secondary_addresses == (staying,)
    assert bench.store.get(ElasticIp, "eipalloc-2").association_id is None
