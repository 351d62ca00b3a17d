"""`seawall events` and `seawall logs` while a real task lives and dies."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

import pytest
from tests.e2e.harness import BIN, ROLE, Network, Seawall, register, run_task, wait_for

SPEAKS = [
    "/bin/sh",
    "-c",
    "trap 'echo bye; exit 0' TERM; n=0; while :; do n=$((n+1)); echo line $n; sleep 1; done",
]


@contextmanager
def following(seawall: Seawall, *words: str) -> Iterator[IO[str]]:
    line = [BIN / "seawall", "--state-dir", seawall.state_dir, *words]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout
        finally:
            process.terminate()


@pytest.mark.usefixtures("account")
def test_a_task_is_watched_from_its_first_moment_to_its_last(seawall: Seawall, network: Network) -> None:
    role = seawall.client("iam").get_role(RoleName=ROLE)["Role"]["Arn"]
    register(seawall, "speaking", role, web={"entryPoint": SPEAKS[:2], "command": SPEAKS[2:]})
    arn = run_task(seawall, network.public, network.group, public=True, family="speaking")
    task_id = arn.rpartition("/")[2]
    wait_for(seawall, "tasks_running", arn)
    with following(seawall, "logs", task_id, "--follow") as lines:
        said = [next(lines).strip() for _ in range(3)]
        assert said == ["line 1", "line 2", "line 3"]
        seawall.client("ecs").stop_task(task=arn)
        rest = [line.strip() for line in lines]  # it ends by itself, with all that was written
        assert rest[-1] == "bye"
    wait_for(seawall, "tasks_stopped", arn)
    with following(seawall, "--output", "json", "events", task_id) as lines:
        details = [json.loads(line)["detail"] for line in lines]
    versions = [detail["version"] for detail in details]
    assert versions == list(range(1, len(versions) + 1))
    states = list(dict.fromkeys(detail["lastStatus"] for detail in details))
    assert states == ["PROVISIONING", "PENDING", "RUNNING", "STOPPING", "DEPROVISIONING", "STOPPED"]
    assert details[-1]["stopCode"] == "UserInitiated"
