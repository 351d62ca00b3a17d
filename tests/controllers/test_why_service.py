"""What is told of a service as a whole: well, on its way, or ill, and by which of its tasks."""

from datetime import timedelta

import pytest
from msgspec.structs import replace
from tests.compile.service.imagined import BEGAN, GROUP, Imagined
from tests.controllers.recording import Bench

from seawall.app.commands.why import service_lines
from seawall.controllers.why_service import WhyService, services_meant, why_service
from seawall.model.finding import Finding
from seawall.model.service import Service, ServiceEvent, ServiceEvents
from seawall.model.service_deployment import ServiceDeployment
from seawall.store.store import Store

FINDING = Finding(category="network", cause="Nothing admits it", commands=("aws ec2 open",))


@pytest.fixture
def bench(store: Store) -> Bench:
    return Bench(store)


def told(bench: Bench, web: Imagined) -> WhyService:
    events = ServiceEvents(id=web.service.id, events=web.events)
    targets = [target for held in web.targets.values() for target in held]
    bench.put(web.service, *web.tasks.values(), events, *targets)
    return why_service(bench.store.get(Service, web.service.id), bench.context)


def test_a_service_that_is_well(bench: Bench) -> None:
    web = Imagined(2, balanced=True)
    web.bring_up()
    found = told(bench, web)
    assert (found.state, found.running, found.desired, found.task) == ("well", 2, 2, None)
    assert found.targets == {GROUP.partition("/")[0]: {"healthy": 2}}
    (release,) = found.deployments
    assert (release.id, release.rollout, release.running) == ("ecs-svc/1", "COMPLETED", 2)
    last = list(service_lines(found))[-1]
    assert last.startswith("Nothing is wrong with it. It was last found steady at 2026-")


def test_an_old_failure_is_no_matter_of_a_service_that_is_well(bench: Bench) -> None:
    web = Imagined(1)
    web.look_until_still()
    web.crash(web.alive()[0])
    (failed,) = (task for task in web.tasks.values() if task.desired_status == "STOPPED")
    web.tasks[failed.id] = replace(failed, finding=FINDING)
    web.wait(60)
    web.bring_up()
    assert (told(bench, web).state, told(bench, web).task) == ("well", None)


def test_one_that_is_on_its_way_shows_what_it_waits_for(bench: Bench) -> None:
    web = Imagined(1)
    web.look_until_still()
    found = told(bench, web)
    assert (found.state, found.running) == ("underway", 0)
    assert found.task is not None
    assert found.task.task == web.alive()[0].id


@pytest.mark.parametrize("stopped", [True, False])
def test_one_that_is_ill_shows_the_task_that_tells_why(bench: Bench, stopped: bool) -> None:
    web = Imagined(2, balanced=True)
    web.look_until_still()
    web.run()
    first, second = web.alive()
    web.heal(first)
    web.tasks[second.id] = replace(web.tasks[second.id], finding=FINDING)
    if stopped:
        web.crash(web.tasks[second.id])
    found = told(bench, web)
    assert found.state == "ailing"
    assert found.task is not None
    assert (found.task.task, found.task.finding) == (second.id, FINDING)
    assert "    aws ec2 open" in list(service_lines(found))


def test_a_task_that_falls_ill_in_a_steady_service_is_told(bench: Bench) -> None:
    web = Imagined(2, balanced=True)
    web.bring_up()
    ill = web.alive()[0]
    web.tasks[ill.id] = replace(ill, finding=FINDING)
    found = told(bench, web)
    assert (found.state, found.steady_since) == ("ailing", None)
    assert found.task is not None
    assert found.task.task == ill.id


def test_a_launch_that_is_refused_is_told_without_any_task(bench: Bench) -> None:
    web = Imagined(1)
    assert (told(bench, web).state, told(bench, web).troubles) == ("underway", ())
    text = "(service web) was unable to place a task. Reason: there is no room."
    web.events = (ServiceEvent(id="1", created_at=web.now, message=text),)
    found = told(bench, web)
    assert (found.state, found.task) == ("ailing", None)
    assert text in list(service_lines(found))


def test_a_deployment_that_was_given_up_is_told_by_its_task(bench: Bench) -> None:
    web = Imagined(1)
    web.bring_up()
    web.deploy(2)
    web.look_until_still()
    failed = web.alive(2)[0]
    web.crash(failed)
    web.tasks[failed.id] = replace(web.tasks[failed.id], finding=FINDING)
    web.service = replace(web.service, deployments=web.service.deployments[1:], steady=True)
    record = ServiceDeployment(
        id="default/web/2",
        cluster="default",
        service="web",
        deployment="ecs-svc/2",
        target="default/web/2",
        status="ROLLBACK_SUCCESSFUL",
        status_reason="Undone.",
        created_at=BEGAN + timedelta(minutes=1),
        updated_at=BEGAN,
    )
    bench.put(web.service, record)
    found = told(bench, web)
    assert (found.state, found.given_up) == ("well", "Undone.")
    assert found.task is not None
    assert (found.task.task, found.task.finding) == (failed.id, FINDING)


def test_services_are_meant_by_name_or_with_their_cluster(bench: Bench) -> None:
    service = Imagined(1).service
    bench.put(service, replace(service, id="blue/web", cluster="blue"))
    assert len(services_meant("web", bench.store)) == 2
    assert [s.cluster for s in services_meant("blue/web", bench.store)] == ["blue"]
    assert services_meant("we", bench.store) == []
