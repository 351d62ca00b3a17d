"""kill -9 at any time: tasks and their traffic go on, a restart adopts them, nothing is doubled or left."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from tests.e2e.harness import (
    BIN,
    ROLE,
    Network,
    Seawall,
    interface_of,
    prepare_account,
    processes,
    register,
    run_task,
    wait_for,
)


@pytest.fixture(scope="module")
def sturdy(another_seawall: Callable[..., AbstractContextManager[Seawall]]) -> Iterator[Seawall]:
    with another_seawall() as running:
        prepare_account(running)
        yield running


@pytest.fixture(scope="module")
def vpc(sturdy: Seawall) -> Network:
    return Network(sturdy)


def page(seawall: Seawall, address: str) -> str:
    return seawall.internet("curl", "-sS", "--max-time", "3", f"http://{address}/").stdout


def test_tasks_outlive_the_control_plane_and_are_adopted(sturdy: Seawall, vpc: Network) -> None:
    arn = run_task(sturdy, vpc.public, vpc.group, public=True)
    before = wait_for(sturdy, "tasks_running", arn)
    address = interface_of(sturdy, before)["Association"]["PublicIp"]
    assert "api" in page(sturdy, address)
    sturdy.kill_control_plane()
    assert "api" in page(sturdy, address)
    sturdy.up()
    after = sturdy.client("ecs").describe_tasks(tasks=[arn])["tasks"][0]
    assert after["lastStatus"] == "RUNNING"
    assert [c["runtimeId"] for c in after["containers"]] == [c["runtimeId"] for c in before["containers"]]
    assert after["startedAt"] == before["startedAt"]
    assert "api" in page(sturdy, address)
    sturdy.client("ecs").stop_task(task=arn)
    stopped = wait_for(sturdy, "tasks_stopped", arn)
    assert stopped["stopCode"] == "UserInitiated"


def test_tasks_outlive_the_agent_and_are_adopted(sturdy: Seawall, vpc: Network) -> None:
    arn = run_task(sturdy, vpc.public, vpc.group, public=True)
    task = wait_for(sturdy, "tasks_running", arn)
    address = interface_of(sturdy, task)["Association"]["PublicIp"]
    os.kill(sturdy.agent_pid(), signal.SIGKILL)
    assert "api" in page(sturdy, address)
    other = run_task(sturdy, vpc.public, vpc.group, public=True)
    wait_for(sturdy, "tasks_running", other)
    role = sturdy.client("iam").get_role(RoleName=ROLE)["Role"]["Arn"]
    register(sturdy, "broken", role, web={"entryPoint": ["/nope"]})
    broken = run_task(sturdy, vpc.public, vpc.group, public=True, family="broken")
    assert wait_for(sturdy, "tasks_stopped", broken)["stopCode"] == "TaskFailedToStart"
    assert sturdy.client("ecs").describe_tasks(tasks=[arn])["tasks"][0]["lastStatus"] == "RUNNING"
    for each in (arn, other):
        sturdy.client("ecs").stop_task(task=each)
    wait_for(sturdy, "tasks_stopped", arn, other)


@pytest.mark.parametrize("victim", ["control plane", "agent"])
def test_a_kill_in_the_middle_of_a_launch_leaves_one_task(sturdy: Seawall, vpc: Network, victim: str) -> None:
    arns = [run_task(sturdy, vpc.public, vpc.group, public=True) for _ in range(3)]
    if victim == "agent":
        os.kill(sturdy.agent_pid(), signal.SIGKILL)
    else:
        sturdy.kill_control_plane()
        sturdy.up()
    for arn in arns:
        task = wait_for(sturdy, "tasks_running", arn)
        assert "api" in page(sturdy, interface_of(sturdy, task)["Association"]["PublicIp"])
    for arn in arns:
        sturdy.client("ecs").stop_task(task=arn)
    wait_for(sturdy, "tasks_stopped", *arns)
    left = sturdy.client("ec2").describe_network_interfaces(
        Filters=[{"Name": "vpc-id", "Values": [vpc.vpc]}, {"Name": "interface-type", "Values": ["interface"]}]
    )
    assert left["NetworkInterfaces"] == []


def test_after_a_reboot_tasks_are_stopped_with_a_reason_and_new_ones_run(
    sturdy: Seawall, vpc: Network
) -> None:
    arn = run_task(sturdy, vpc.public, vpc.group, public=True)
    wait_for(sturdy, "tasks_running", arn)
    sturdy.kill_control_plane()
    world = int((sturdy.state_dir / "world.pid").read_text().split()[0])
    os.kill(world, signal.SIGKILL)
    sturdy.up()
    task = wait_for(sturdy, "tasks_stopped", arn)
    assert "restarted" in task["stoppedReason"]
    fresh = run_task(sturdy, vpc.public, vpc.group, public=True)
    task = wait_for(sturdy, "tasks_running", fresh)
    assert "api" in page(sturdy, interface_of(sturdy, task)["Association"]["PublicIp"])
    sturdy.client("ecs").stop_task(task=fresh)
    wait_for(sturdy, "tasks_stopped", fresh)


def test_two_seawalls_do_not_meet(
    sturdy: Seawall, vpc: Network, another_seawall: Callable[..., AbstractContextManager[Seawall]]
) -> None:
    first = run_task(sturdy, vpc.public, vpc.group, public=True)
    task = wait_for(sturdy, "tasks_running", first)
    with another_seawall() as second:
        prepare_account(second)
        other = Network(second)
        arn = run_task(second, other.public, other.group, public=True)
        twin = wait_for(second, "tasks_running", arn)
        assert "api" in page(second, interface_of(second, twin)["Association"]["PublicIp"])
        assert "api" in page(sturdy, interface_of(sturdy, task)["Association"]["PublicIp"])
    assert "api" in page(sturdy, interface_of(sturdy, task)["Association"]["PublicIp"])


def test_down_leaves_nothing_behind(another_seawall: Callable[..., AbstractContextManager[Seawall]]) -> None:
    with another_seawall() as running:
        prepare_account(running)
        vpc = Network(running)
        wait_for(running, "tasks_running", run_task(running, vpc.public, vpc.group, public=True))
    assert running.traces() == []


def test_a_start_that_hangs_says_so_and_down_ends_it(tmp_path: Path) -> None:
    command = [BIN / "seawall", "--state-dir", tmp_path / "state"]
    start = [*command, "up", "--listen", "127.0.0.1:0", "--runtime", "/bin/false"]
    with subprocess.Popen(start, stderr=subprocess.PIPE, text=True) as starting:
        assert starting.stderr is not None
        assert any("waiting until the host" in line for line in starting.stderr)
        subprocess.run([*command, "down"], check=True, timeout=60)
        assert "ended before it was ready" in starting.stderr.read()
        assert starting.wait() != 0
    assert [line for line in processes() if str(tmp_path) in line] == []
