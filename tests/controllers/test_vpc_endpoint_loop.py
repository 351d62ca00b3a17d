"""One look at a VPC endpoint: what was in the store, what the host knows, what is in the store then."""

import pytest
from msgspec.structs import replace
from tests.controllers.recording import Bench

from seawall.controllers.loop import Done
from seawall.controllers.vpc_endpoint import reconcile
from seawall.model.network_interface import InterfaceAttachment, NetworkInterface
from seawall.model.resource import Ref
from seawall.model.vpc_endpoint import VpcEndpoint
from seawall.store.store import Store


@pytest.fixture
def bench(store: Store) -> Bench:
    """A pending interface endpoint with two interfaces that the host has not heard of."""
    made = Bench(store)
    made.put(
        interface(made, "eni-1"),
        interface(made, "eni-2"),
        VpcEndpoint(
            id="vpce-1",
            vpc_id="vpc-1",
            service_name="com.amazonaws.us-east-1.logs",
            endpoint_type="Interface",
            state="pending",
            network_interface_ids=("eni-1", "eni-2"),
            create_time=made.clock.now(),
        ),
    )
    made.meet()
    return made


def interface(bench: Bench, id: str) -> NetworkInterface:
    attachment = InterfaceAttachment(
        attachment_id="ela-attach-1", instance_owner_id="amazon-aws", attach_time=bench.clock.now()
    )
    return NetworkInterface(
        id=id,
        vpc_id="vpc-1",
        subnet_id="subnet-1",
        availability_zone="us-east-1a",
        private_ip_address="10.0.0.5",
        mac_address="0a:00:00:00:00:01",
        description="",
        group_ids=(),
        interface_type="vpc_endpoint",
        attachment=attachment,
        owner=Ref("vpc_endpoint", "vpce-1"),
    )


def endpoint(bench: Bench) -> VpcEndpoint:
    return bench.store.get(VpcEndpoint, "vpce-1")


def statuses(bench: Bench) -> list[str]:
    return [i.status for i in bench.store.all(NetworkInterface)]


def test_it_is_not_available_before_the_host_has_it(bench: Bench) -> None:
    assert bench.look(reconcile, "vpce-1") == Done()
    assert (endpoint(bench).state, statuses(bench)) == ("pending", ["attaching", "attaching"])
    bench.settle()
    bench.look(reconcile, "vpce-1")
    assert (endpoint(bench).state, statuses(bench)) == ("available", ["in-use", "in-use"])
    attachment = bench.store.get(NetworkInterface, "eni-1").attachment
    assert attachment is not None
    assert attachment.status == "attached"


def test_all_of_its_interfaces_have_to_be_in_force(bench: Bench) -> None:
    bench.settle()
    bench.put(replace(bench.store.get(NetworkInterface, "eni-2"), mac_address="0a:00:00:00:00:02"))
    bench.look(reconcile, "vpce-1")
    assert (endpoint(bench).state, statuses(bench)) == ("pending", ["in-use", "attaching"])


def test_an_interface_that_came_later_is_attached_too(bench: Bench) -> None:
    bench.put(
        interface(bench, "eni-3"),
        replace(endpoint(bench), state="available", network_interface_ids=("eni-1", "eni-2", "eni-3")),
    )
    bench.settle()
    bench.look(reconcile, "vpce-1")
    assert statuses(bench) == ["in-use"] * 3
    before = bench.store.revision()
    bench.settle()
    bench.look(reconcile, "vpce-1")
    assert bench.store.revision() == before


def test_it_is_gone_once_the_host_no_longer_has_it(bench: Bench) -> None:
    bench.put(replace(endpoint(bench), state="deleting"))
    bench.look(reconcile, "vpce-1")
    assert (endpoint(bench).state, len(statuses(bench))) == ("deleting", 2)
    bench.settle()
    bench.look(reconcile, "vpce-1")
    assert bench.store.find(VpcEndpoint, "vpce-1") is None
    assert statuses(bench) == []
    assert bench.look(reconcile, "vpce-1") == Done()
