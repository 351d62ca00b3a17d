"""The commands against a Seawall with the demonstration's tasks, and the demonstration itself."""

import contextlib
import io
import json
import os
import shutil
import subprocess
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.harness import processes

from seawall.app.clients import Clients
from seawall.app.demo.instance import SEAWALL, Instance
from seawall.app.demo.ledger import Ledger
from seawall.app.demo.scenes import Scenes
from seawall.app.demo.stage import Stage
from seawall.app.running import NotRunning

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def scenes() -> Iterator[Scenes]:
    """Both tasks of the demonstration, running."""
    directory = Path(tempfile.mkdtemp(prefix="seawall-commands-"))
    instance = Instance(directory)
    try:
        running = instance.up()
        built = Scenes(Stage(Ledger(io.StringIO()), instance, Clients(running), running.region))
        try:
            built.build()
            yield built
        finally:
            built.end_server()
    finally:
        instance.down()
        shutil.rmtree(directory)


def run(scenes: Scenes, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(scenes.instance.command(*words), capture_output=True, text=True, timeout=60)


def test_ps_lists_both_tasks_with_their_addresses(scenes: Scenes) -> None:
    rows = {row["task"]: row for row in json.loads(run(scenes, "--output", "json", "ps").stdout)["tasks"]}
    public, private = rows[scenes.public.id], rows[scenes.private.id]
    assert (public["private"], public["public"]) == (
        scenes.public.private_address,
        scenes.public.public_address,
    )
    assert private["public"] == "-"
    assert scenes.public.private_address in run(scenes, "ps").stdout


def test_aws_runs_the_cli_with_its_own_options_and_status(scenes: Scenes) -> None:
    done = run(scenes, "aws", "ecs", "list-tasks", "--cluster", "demo", "--output", "json")
    assert len(json.loads(done.stdout)["taskArns"]) == 2
    refused = run(scenes, "aws", "ecs", "list-tasks", "--cluster", "absent")
    assert refused.returncode not in (0, 1)
    assert "ClusterNotFoundException" in refused.stderr


def test_env_is_all_that_an_unmodified_client_needs(scenes: Scenes) -> None:
    script = (
        f'eval "$({" ".join(scenes.instance.command("env"))})" && exec "$0" -m awscli sts get-caller-identity'
    )
    clean = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    done = subprocess.run(
        ["sh", "-c", script, SEAWALL[0]], capture_output=True, text=True, env=clean, timeout=60
    )
    assert json.loads(done.stdout)["Account"] == scenes.instance.running.account, done.stderr


@contextlib.contextmanager
def forwarding(scenes: Scenes, target: str, port: int) -> Iterator[dict[str, str]]:
    """`seawall forward` to any free local port; what it says."""
    command = scenes.instance.command("--output", "json", "forward", f"0:{target}:{port}")
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        lines = []
        for line in process.stdout:
            lines.append(line)
            if line.rstrip() == "}":
                break
        try:
            yield json.loads("".join(lines))
        finally:
            process.terminate()


def page(said: dict[str, str]) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{said['port']}/", timeout=20) as answer:
        return str(answer.read(), "utf-8")


def test_forward_to_a_public_address_goes_through_the_security_groups(scenes: Scenes) -> None:
    with forwarding(scenes, str(scenes.public.public_address), 80) as said:
        assert "hello from api" in page(said)
    no_rule_opens = 8080
    with forwarding(scenes, str(scenes.public.public_address), no_rule_opens) as said, pytest.raises(OSError):
        page(said)


def test_forward_to_a_task_is_inside_it(scenes: Scenes) -> None:
    with forwarding(scenes, scenes.private.id, 8080) as said:
        assert said["from"] == f"task-{scenes.private.id}"
        assert "hello from api" in page(said)


def test_the_internet_commands_status_is_the_programs(scenes: Scenes) -> None:
    assert scenes.instance.internet("sh", "-c", "exit 42").returncode == 42
    assert scenes.instance.internet("ip", "-4", "addr").stdout.count("203.0.113.10") == 1


def test_reset_leaves_the_account_as_on_its_first_day(scenes: Scenes) -> None:
    assert run(scenes, "reset").returncode == 0
    clients = Clients(scenes.instance.running)
    assert clients.ecs.list_clusters()["clusterArns"] == []
    assert [vpc["IsDefault"] for vpc in clients.ec2.describe_vpcs()["Vpcs"]] == [True]


def test_down_ends_it_and_says_so_when_there_was_nothing(tmp_path: Path) -> None:
    instance = Instance(tmp_path)
    instance.up()
    instance.down()
    with pytest.raises(NotRunning):
        _ = instance.running
    again = subprocess.run(instance.command("down"), capture_output=True, text=True, timeout=60)
    assert (again.returncode, "No Seawall was running" in again.stdout) == (0, True)
    emptied = subprocess.run(instance.command("reset", "--yes"), capture_output=True, text=True, timeout=60)
    assert (emptied.returncode, tmp_path.exists()) == (0, False), emptied.stdout


def test_a_removed_folder_ends_the_seawall_in_it(tmp_path: Path) -> None:
    instance = Instance(tmp_path / "state")
    instance.state_dir.mkdir()
    instance.log = tmp_path / "up.log"
    instance.up()
    world = instance.world()
    try:
        shutil.rmtree(instance.state_dir)
        assert instance.wait() == 1
    finally:
        instance.down()
    assert f"{instance.state_dir} was removed" in instance.last_words()
    assert not world.alive


@pytest.mark.parametrize("time", ["first", "again"])
def test_every_line_of_the_demonstration_holds(time: str) -> None:
    said, status = demonstration()
    assert status == 0, said
    assert "FAIL" not in said
    assert said.count("  held  ") >= 14, time


def demonstration() -> tuple[str, int]:
    """What it said, and its status.  It is asked to end, not killed, when the test ends before it does."""
    command = [*SEAWALL, "demo"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            said, _ = process.communicate(timeout=110)
        finally:
            process.terminate()
        return said, process.returncode


@pytest.mark.parametrize("how", ["signal", "closed pipe"])
def test_an_interrupted_demonstration_leaves_nothing(how: str) -> None:
    with subprocess.Popen([*SEAWALL, "demo"], stdout=subprocess.PIPE, text=True, bufsize=1) as process:
        assert process.stdout
        line = next(line for line in process.stdout if "starting Seawall in" in line)
        state_dir = Path(line.split()[-1])
        next(line for line in process.stdout if "  held  " in line)
        if how == "signal":
            process.terminate()
            process.stdout.read()
        else:
            process.stdout.close()
    assert process.returncode == (130 if how == "signal" else 0)
    assert not state_dir.exists()
    assert [said for said in processes() if str(state_dir) in said] == []
