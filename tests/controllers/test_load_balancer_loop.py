"""Load balancers and their targets, one look at a time."""

from datetime import timedelta

import pytest
from msgspec.structs import replace
from tests.controllers.recording import Bench

from seawall.controllers import load_balancer, target_draining, target_health
from seawall.controllers.loop import After, Done
from seawall.model.elastic_ip import ElasticIp
from seawall.model.listener import Action, Listener, WeightedGroup
from seawall.model.load_balancer import LoadBalancer, LoadBalancerNode
from seawall.model.network_interface import InterfaceAttachment, NetworkInterface, PublicAssociation
from seawall.model.resource import Ref
from seawall.model.target_group import Target, TargetGroup
from seawall.program.balancer import BalancerProgram, Pool, PoolTarget
from seawall.program.host import HostProgram
from seawall.program.messages import Applied, BalancerChanged
from seawall.program.network import NetworkProgram
from seawall.program.report import BalancerReport, TargetReport
from seawall.store.store import Store

ID, GROUP, TARGET = "app/web/1", "app/1", "app/1|10.0.1.5|80"
NODES = ("eni-1", "eni-2")


@pytest.fixture
def bench(store: Store) -> Bench:
    """A load balancer that is being made, with nodes in two zones and a target in the first."""
    made = Bench(store)
    now = made.clock.now()
    made.put(*(interface(made, id) for id in NODES))
    action = Action(type="forward", target_groups=(WeightedGroup(target_group_id=GROUP),))
    made.put(
        LoadBalancer(
            id=ID,
            name="web",
            type="application",
            scheme="internal",
            vpc_id="vpc-1",
            nodes=tuple(
                LoadBalancerNode(
                    availability_zone=zone, subnet_id=f"subnet-{zone}", network_interface_id=interface_id
                )
                for zone, interface_id in zip(("us-east-1a", "us-east-1b"), NODES, strict=True)
            ),
            dns_name="web-1.us-east-1.elb.amazonaws.com",
            canonical_hosted_zone_id="Z35SXDOTRQ7X7K",
            created_time=now,
        ),
        TargetGroup(id=GROUP, name="app", protocol="HTTP", port=80, created_time=now),
        Listener(
            id=f"{ID}/1",
            load_balancer_id=ID,
            protocol="HTTP",
            port=80,
            default_actions=(action,),
            default_rule_id=f"{ID}/1/1",
        ),
        Target(
            id=TARGET,
            target_group_id=GROUP,
            target="10.0.1.5",
            port=80,
            availability_zone="us-east-1a",
            registered_at=now,
        ),
    )
    made.meet()
    return made


def interface(bench: Bench, id: str) -> NetworkInterface:
    return NetworkInterface(
        id=id,
        vpc_id="vpc-1",
        subnet_id="subnet-1",
        availability_zone="us-east-1a",
        private_ip_address="10.0.0.5",
        mac_address="0a:00:00:00:00:01",
        description=f"ELB {ID}",
        group_ids=(),
        attachment=InterfaceAttachment(
            attachment_id="ela-attach-1", instance_owner_id="amazon-elb", attach_time=bench.clock.now()
        ),
        owner=Ref("load_balancer", ID),
    )


def settle(bench: Bench) -> None:
    """Everything is in force, and each node shall use the target."""
    revision = bench.store.revision()
    pool = Pool(name="app:1", targets=(PoolTarget(id="10.0.1.5:80", address="10.0.1.5", port=80),))
    programs = tuple(BalancerProgram(id=id, namespace=id, pools=(pool,)) for id in NODES)
    program = HostProgram(revision=revision, network=NetworkProgram(), balancers=programs)
    bench.context.host.give(program)
    bench.port.tell(Applied(revision=revision))


def report(bench: Bench, id: str, *, running: bool = True, **members: object) -> None:
    said = TargetReport(pool="app:1", target="10.0.1.5:80", **members)  # type: ignore[arg-type]
    bench.port.tell(BalancerChanged(report=BalancerReport(id=id, running=running, targets=(said,))))


def balancer(bench: Bench) -> LoadBalancer:
    return bench.store.get(LoadBalancer, ID)


def said(bench: Bench) -> tuple[str, str | None, str | None]:
    bench.look(target_health.reconcile, GROUP)
    target = bench.store.get(Target, TARGET)
    return target.state, target.reason, target.description


def test_it_is_active_once_every_nodes_engine_runs(bench: Bench) -> None:
    assert bench.look(load_balancer.reconcile, ID) == Done()
    settle(bench)
    report(bench, "eni-1")
    report(bench, "eni-2", running=False)
    bench.look(load_balancer.reconcile, ID)
    statuses = [i.status for i in bench.store.all(NetworkInterface)]
    assert (balancer(bench).state, statuses) == ("provisioning", ["in-use", "attaching"])
    report(bench, "eni-2")
    bench.look(load_balancer.reconcile, ID)
    assert balancer(bench).state == "active"
    before = bench.store.revision()
    settle(bench)
    bench.look(load_balancer.reconcile, ID)
    assert bench.store.revision() == before


def test_a_node_that_it_lost_gives_its_interface_back(bench: Bench) -> None:
    bench.put(replace(balancer(bench), nodes=balancer(bench).nodes[:1], state="active"))
    settle(bench)
    bench.look(load_balancer.reconcile, ID)
    assert [i.id for i in bench.store.all(NetworkInterface)] == ["eni-1"]


def test_it_goes_with_its_interfaces_and_frees_elastic_addresses(bench: Bench) -> None:
    association = PublicAssociation(public_ip="198.18.0.1", ip_owner_id="1", allocation_id="eipalloc-1")
    held = {"network_interface_id": "eni-1", "private_ip_address": "10.0.0.5", "association_id": "eipassoc-1"}
    bench.put(
        replace(bench.store.get(NetworkInterface, "eni-1"), association=association),
        ElasticIp(id="eipalloc-1", public_ip="198.18.0.1", **held),
        replace(balancer(bench), deleting=True),
    )
    bench.look(load_balancer.reconcile, ID)
    assert len(bench.store.all(NetworkInterface)) == 2  # the host still has it
    settle(bench)
    bench.look(load_balancer.reconcile, ID)
    assert bench.store.all(NetworkInterface) == []
    assert bench.store.find(LoadBalancer, ID) is None
    assert bench.store.get(ElasticIp, "eipalloc-1").network_interface_id is None


def test_a_target_is_healthy_once_all_nodes_say_so(bench: Bench) -> None:
    assert said(bench)[:2] == ("initial", "Elb.RegistrationInProgress")
    settle(bench)
    report(bench, "eni-1", in_force=True)
    assert said(bench) == ("initial", "Elb.InitialHealthChecking", "Initial health checks in progress")
    report(bench, "eni-1", state="healthy", in_force=True)
    assert said(bench)[0] == "initial"
    report(bench, "eni-2", state="healthy", in_force=True)
    assert said(bench) == ("healthy", None, None)
    assert bench.store.get(Target, TARGET).load_balancer_nodes == dict.fromkeys(NODES, "healthy")


@pytest.mark.parametrize(
    ("found", "reason", "description"),
    [
        ({"cause": "timeout"}, "Target.Timeout", "Request timed out"),
        (
            {"cause": "mismatch", "code": 502},
            "Target.ResponseCodeMismatch",
            "Health checks failed with these codes: [502]",
        ),
        ({"cause": "refused"}, "Target.FailedHealthChecks", "Health checks failed"),
    ],
)
def test_one_node_is_enough_to_find_it_unhealthy(
    bench: Bench, found: dict[str, object], reason: str, description: str
) -> None:
    settle(bench)
    report(bench, "eni-1", state="healthy")
    report(bench, "eni-2", state="unhealthy", **found)
    assert said(bench) == ("unhealthy", reason, description)


def test_what_was_known_holds_while_a_host_that_came_back_has_not_asked_yet(bench: Bench) -> None:
    settle(bench)
    for node in NODES:
        report(bench, node, state="healthy", in_force=True)
    assert said(bench)[0] == "healthy"
    bench.meet("w1")
    report(bench, "eni-1")
    assert said(bench)[0] == "healthy"


def test_it_is_not_healthy_before_the_engine_knows_it_and_stays_so(bench: Bench) -> None:
    settle(bench)
    for node in NODES:
        report(bench, node, state="healthy")
    assert said(bench)[0] == "initial"
    for node in NODES:
        report(bench, node, state="healthy", in_force=True)
    assert said(bench)[0] == "healthy"
    report(bench, "eni-1", state="healthy")
    assert said(bench)[0] == "healthy"


def test_nothing_is_written_where_nothing_changed(bench: Bench) -> None:
    settle(bench)
    report(bench, "eni-1", state="unhealthy", cause="timeout")
    said(bench)
    before = bench.store.revision()
    report(bench, "eni-1", state="unhealthy", cause="timeout", checked_at=5.0, connections=3)
    said(bench)
    assert bench.store.revision() == before


def test_a_group_that_nobody_forwards_to_is_not_in_use(bench: Bench) -> None:
    with bench.store.write() as txn:
        txn.delete(Listener, f"{ID}/1")
    text = "Target group is not configured to receive traffic from the load balancer"
    assert said(bench) == ("unused", "Target.NotInUse", text)


def test_a_target_outside_of_the_zones_is_not_in_use(bench: Bench) -> None:
    bench.put(replace(bench.store.get(Target, TARGET), availability_zone="us-east-1c"))
    text = "Target is in an Availability Zone that is not enabled for the load balancer"
    assert said(bench) == ("unused", "Target.NotInUse", text)


def test_a_draining_target_goes_when_its_time_is_over(bench: Bench) -> None:
    until = bench.clock.now() + timedelta(seconds=300)
    bench.put(replace(bench.store.get(Target, TARGET), draining_until=until, state="draining"))
    settle(bench)
    report(bench, "eni-1", state="unhealthy", cause="timeout")
    assert said(bench)[0] == "draining"
    assert bench.look(target_draining.reconcile, TARGET) == After(300)
    bench.clock.move(300)
    bench.look(target_draining.reconcile, TARGET)
    assert bench.store.find(Target, TARGET) is None
