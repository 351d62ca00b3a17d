"""A service behind a load balancer, under load from the internet: it rolls, scales and loses no request."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest
from tests.e2e.balanced_site import Site, completed
from tests.e2e.harness import BIN, WAIT, Seawall, prepare_account


@pytest.fixture(scope="module")
def site(another_seawall: Callable[..., AbstractContextManager[Seawall]]) -> Iterator[Site]:
    with another_seawall("--service-healthy-after", "1") as running:
        prepare_account(running)
        yield Site(running)


def seawall_why(seawall: Seawall, asked: str) -> subprocess.CompletedProcess[str]:
    command = [BIN / "seawall", "--state-dir", seawall.state_dir, "why", asked]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def test_a_target_the_balancer_may_not_reach_is_told_and_heals(site: Site) -> None:
    site.create("shop", 2)
    arn = f"(target-group {site.group})"
    unhealthy = f"(port 80) is unhealthy in {arn} due to (reason Request timed out)."
    service = site.until("shop", lambda s: any(unhealthy in event["message"] for event in s["events"]))
    assert service["deployments"][0]["failedTasks"] >= 1
    messages = [event["message"] for event in service["events"]]
    assert any("(service shop) registered " in text and text.endswith(arn) for text in messages)
    said = seawall_why(site.seawall, "shop")
    assert said.returncode == 1, said.stderr
    assert f"aws ec2 authorize-security-group-ingress --group-id {site.tasks_group}" in said.stdout
    site.admit()
    service = site.until("shop", lambda s: completed(s) and s["runningCount"] == 2)
    site.drained("shop")
    assert site.states() == ["healthy", "healthy"]
    said = seawall_why(site.seawall, "default/shop")
    assert (said.returncode, said.stdout.splitlines()[-1][:25]) == (0, "Nothing is wrong with it."), said


def test_a_rolling_update_loses_no_request(site: Site) -> None:
    before = site.describe("shop")["deployments"][0]["id"]
    with site.no_request_lost():
        site.ecs.update_service(service="shop", forceNewDeployment=True)
        site.until("shop", lambda s: completed(s) and s["deployments"][0]["id"] != before)
        site.drained("shop")
    assert site.states() == ["healthy", "healthy"]


def test_scaling_out_and_in_loses_no_request(site: Site) -> None:
    with site.no_request_lost():
        for count in (3, 1):
            site.ecs.update_service(service="shop", desiredCount=count)
            site.until("shop", lambda s, n=count: s["runningCount"] == n and len(site.states()) >= n)
            site.drained("shop")
    assert site.states() == ["healthy"]
    messages = [event["message"] for event in site.describe("shop")["events"]]
    assert any("has begun draining connections on " in message for message in messages)


def test_a_deleted_service_drains_too(site: Site) -> None:
    site.ecs.delete_service(service="shop", force=True)
    site.ecs.get_waiter("services_inactive").wait(services=["shop"], WaiterConfig=WAIT)
    site.until("shop", lambda _: site.states() == [])
