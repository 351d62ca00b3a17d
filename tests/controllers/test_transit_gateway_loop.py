"""One look at a transit gateway or an attachment: what the store held, what the host knows, what is then."""

import pytest
from msgspec.structs import replace
from tests.controllers.recording import Bench

from seawall.controllers.loop import After, Done
from seawall.controllers.transit_gateway import KEEP_ENDED, reconcile_attachment, reconcile_gateway
from seawall.model.network_interface import InterfaceAttachment, NetworkInterface
from seawall.model.resource import Ref
from seawall.model.transit_gateway import TransitGateway, TransitGatewayAttachment
from seawall.store.store import Store

TGW, ATTACHMENT = "tgw-1", "tgw-attach-1"


def interface(bench: Bench, id: str) -> NetworkInterface:
    attachment = InterfaceAttachment(
        attachment_id="ela-attach-1", instance_owner_id="aws", attach_time=bench.clock.now()
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
        interface_type="transit_gateway",
        attachment=attachment,
        owner=Ref("transit_gateway_attachment", ATTACHMENT),
    )


@pytest.fixture
def bench(store: Store) -> Bench:
    """A gateway and an attachment, both pending, that the host has not heard of."""
    made = Bench(store)
    born = made.clock.now()
    made.put(
        TransitGateway(id=TGW, state="pending", create_time=born),
        interface(made, "eni-1"),
        TransitGatewayAttachment(
            id=ATTACHMENT,
            transit_gateway_id=TGW,
            vpc_id="vpc-1",
            subnet_ids=("subnet-1",),
            network_interface_ids=("eni-1",),
            state="pending",
            route_table_id="tgw-rtb-1",
            association_state="associating",
            create_time=born,
        ),
    )
    made.meet()
    return made


def attachment(bench: Bench) -> TransitGatewayAttachment:
    return bench.store.get(TransitGatewayAttachment, ATTACHMENT)


def test_a_gateway_is_available_once_it_stands(bench: Bench) -> None:
    bench.look(reconcile_gateway, TGW)
    assert bench.store.get(TransitGateway, TGW).state == "pending"
    bench.settle()
    bench.look(reconcile_gateway, TGW)
    assert bench.store.get(TransitGateway, TGW).state == "available"


def test_an_attachment_is_available_and_associated_once_packets_pass(bench: Bench) -> None:
    assert bench.look(reconcile_attachment, ATTACHMENT) == Done()
    assert attachment(bench).state == "pending"
    bench.settle()
    bench.look(reconcile_attachment, ATTACHMENT)
    assert (attachment(bench).state, attachment(bench).association_state) == ("available", "associated")
    attached = bench.store.get(NetworkInterface, "eni-1")
    assert attached.status == "in-use"
    assert attached.attachment is not None
    assert attached.attachment.status == "attached"
    before = bench.store.revision()
    bench.look(reconcile_attachment, ATTACHMENT)
    assert bench.store.revision() == before


def test_a_change_of_its_interface_has_to_be_in_force_too(bench: Bench) -> None:
    bench.settle()
    bench.put(replace(interface(bench, "eni-1"), mac_address="0a:00:00:00:00:02"))
    bench.look(reconcile_attachment, ATTACHMENT)
    assert attachment(bench).state == "pending"


def test_the_interface_of_a_removed_subnet_goes_when_the_host_let_go(bench: Bench) -> None:
    bench.put(interface(bench, "eni-2"))
    bench.put(replace(attachment(bench), state="modifying", network_interface_ids=("eni-2",)))
    bench.look(reconcile_attachment, ATTACHMENT)
    assert bench.store.find(NetworkInterface, "eni-1") is not None
    bench.settle()
    bench.look(reconcile_attachment, ATTACHMENT)
    assert bench.store.find(NetworkInterface, "eni-1") is None
    assert bench.store.get(NetworkInterface, "eni-2").status == "in-use"
    assert attachment(bench).state == "available"


def test_a_disassociation_ends_once_it_is_in_force(bench: Bench) -> None:
    bench.put(replace(attachment(bench), state="available", association_state="disassociating"))
    bench.look(reconcile_attachment, ATTACHMENT)
    assert attachment(bench).route_table_id == "tgw-rtb-1"
    bench.settle()
    bench.look(reconcile_attachment, ATTACHMENT)
    assert (attachment(bench).route_table_id, attachment(bench).state) == (None, "available")


def test_deletion_gives_the_interfaces_back(bench: Bench) -> None:
    bench.put(replace(attachment(bench), state="deleting", route_table_id=None))
    bench.look(reconcile_attachment, ATTACHMENT)
    assert bench.store.find(NetworkInterface, "eni-1") is not None
    bench.settle()
    bench.look(reconcile_attachment, ATTACHMENT)
    assert (attachment(bench).state, attachment(bench).refs()) == ("deleted", ())
    assert bench.store.find(NetworkInterface, "eni-1") is None


def test_what_is_deleted_is_forgotten_after_an_hour(bench: Bench) -> None:
    bench.put(
        TransitGateway(id=TGW, state="deleting", create_time=bench.clock.now()),
        replace(attachment(bench), state="deleted", deleted_at=bench.clock.now()),
    )
    bench.settle()
    assert bench.look(reconcile_gateway, TGW) == Done()
    assert bench.look(reconcile_gateway, TGW) == After(KEEP_ENDED.total_seconds())
    assert bench.look(reconcile_attachment, ATTACHMENT) == After(KEEP_ENDED.total_seconds())
    bench.clock.move(KEEP_ENDED.total_seconds())
    assert bench.look(reconcile_gateway, TGW) == Done()
    assert bench.look(reconcile_attachment, ATTACHMENT) == Done()
    assert bench.store.find(TransitGateway, TGW) is None
    assert bench.store.find(TransitGatewayAttachment, ATTACHMENT) is None
