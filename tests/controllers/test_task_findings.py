"""Why a task failed, from what is in the store."""

import pytest
from msgspec.structs import replace
from tests.controllers.recording import Bench
from tests.fresh_task import fresh_task
from tests.packet.world_data import Cloud

from seawall.controllers.task_finding import failure_finding
from seawall.host.runtime_words import runtime_failure
from seawall.model.finding import TaskFailure
from seawall.model.task import Task, TaskContainer
from seawall.store.store import Store

UNKNOWN = TaskFailure(
    container="web", step="pull", cause="dns", text="no such host", url="https://registry-1.docker.io/v2/"
)


@pytest.fixture
def bench(store: Store) -> Bench:
    cloud = Cloud()
    cloud.subnet(cloud.vpc("a"), "one", "10.0.0.0/24")
    cloud.task("web", "subnet-a-one", "10.0.0.20", cloud.group("vpc-a", "web"))
    made = Bench(store)
    made.put(*cloud.resources.values())
    return made


def failed(bench: Bench) -> Task:
    return fresh_task(
        subnet_id="subnet-a-one",
        security_group_ids=("sg-a-web",),
        network_interface_id="eni-web",
        containers=(TaskContainer(name="web", id="web-id", image="nginx", runtime_id="web"),),
        created_at=bench.clock.now(),
    )


def test_a_host_of_the_real_internet_is_out_of_reach_without_an_uplink(bench: Bench) -> None:
    found = failure_finding(failed(bench), UNKNOWN, bench.context)
    assert found.cause == "there is no host of the name registry-1.docker.io"
    assert "seawall up --uplink" in found.advice
    bench.context.uplink = True
    assert "--uplink" not in failure_finding(failed(bench), UNKNOWN, bench.context).advice


def test_what_cannot_be_made_is_the_containers_own_fault(bench: Bench) -> None:
    text = runtime_failure("executable file `nope` not found in $PATH", "nope")
    failure = replace(UNKNOWN, step="create", cause="other", text=text)
    found = failure_finding(failed(bench), failure, bench.context)
    assert found.category == "container"
    assert found.cause == 'create of container web failed: exec: "nope": executable file not found in $PATH'


def test_an_image_for_other_machines_is_told_apart(bench: Bench) -> None:
    text = "image Manifest does not contain descriptor matching platform 'linux/amd64'"
    failure = replace(UNKNOWN, cause="other", text=text)
    found = failure_finding(failed(bench), failure, bench.context)
    assert found.category == "image"
    assert "is not made for linux/amd64" in found.cause
    assert found.missing["platform"] == "linux/amd64"
    assert found.commands[0].startswith("docker buildx build --platform linux/amd64 ")
