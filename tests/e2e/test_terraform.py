"""Terraform's AWS provider, unmodified: apply, a plan that finds nothing to do, destroy.

The provider mostly waits: before it first asks how a thing is coming along, and between its questions.  So
all sites are built and destroyed at once, in one account, and each test is told how its site fared.

Terraform is an optional client, and its provider comes from a registry of its own: both must be here already.
$SEAWALL_TERRAFORM_PLUGINS names a folder as `terraform init -plugin-dir` wants it (default: /opt/tf-plugins).
"""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from tests.e2e.conftest import make_room
from tests.e2e.harness import Seawall
from tests.e2e.terraform_sites import FOLDER, SITES, Site

PLUGINS = Path(os.environ.get("SEAWALL_TERRAFORM_PLUGINS", "/opt/tf-plugins"))
NO_DIFFERENCE = 0  # of `plan -detailed-exitcode`; 2: there is something to do
STEP_TIMEOUT_S = 300

pytestmark = [
    pytest.mark.skipif(
        shutil.which("terraform") is None or not PLUGINS.is_dir(),
        reason="terraform and its AWS provider, which are optional clients, are not installed",
    ),
    pytest.mark.timeout(400),
]


class Life:
    """One site's, in a folder of its own, from `init` to `destroy`."""

    def __init__(self, site: Site, folder: Path, seawall: Seawall) -> None:
        self.site, self.folder, self.seawall = site, folder, seawall
        self.over = False  # no command begins any more
        self._running: subprocess.Popen[str] | None = None

    def lead(self) -> None:
        """Assert all of it.  Takes minutes, most of which pass in waiting."""
        site = self.site
        shutil.copy(FOLDER / site.file, self.folder)
        site.prepare(self.folder)
        self._do("init", f"-plugin-dir={PLUGINS}")
        assert f"Resources: {site.count} added, 0 changed, 0 destroyed." in self._do("apply", "-auto-approve")
        self._do("plan", "-detailed-exitcode")
        if site.change is not None:
            site.change(self.folder / site.file)
            assert "0 added, 1 changed, 0 destroyed" in self._do("apply", "-auto-approve")
        site.standing(self.seawall)

        vpcs = self._vpcs()
        assert vpcs <= all_vpcs(self.seawall)
        assert f"Resources: {site.count} destroyed." in self._do("destroy", "-auto-approve")
        assert not vpcs & all_vpcs(self.seawall)
        site.gone(self.seawall)

    def end(self) -> None:
        self.over = True
        if self._running is not None:
            self._running.terminate()

    def _do(self, *words: str) -> str:
        """Run a command that must succeed; returns what it printed."""
        assert not self.over
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "TF_IN_AUTOMATION": "1"}
        with subprocess.Popen(
            ["terraform", words[0], "-no-color", "-input=false", *words[1:]],
            cwd=self.folder,
            env=environment | self.seawall.running.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as self._running:
            try:
                said, _ = self._running.communicate(timeout=STEP_TIMEOUT_S)
            finally:
                self._running.terminate()
        assert self._running.returncode == NO_DIFFERENCE, said
        return said

    def _vpcs(self) -> set[str]:
        """What Terraform's own record of the site names."""
        state = json.loads((self.folder / "terraform.tfstate").read_text())
        kinds = [
            kind for kind in state["resources"] if (kind["mode"], kind["type"]) == ("managed", "aws_vpc")
        ]
        return {one["attributes"]["id"] for kind in kinds for one in kind["instances"]}


def all_vpcs(seawall: Seawall) -> set[str]:
    return {vpc["VpcId"] for vpc in seawall.client("ec2").describe_vpcs()["Vpcs"]}


def census(seawall: Seawall) -> dict[str, list[str]]:
    """What is in the account, by the kinds of things that leave nothing to be described when they go."""
    ec2, elb, ecs = seawall.client("ec2"), seawall.client("elbv2"), seawall.client("ecs")
    iam, route53, s3 = seawall.client("iam"), seawall.client("route53"), seawall.client("s3")
    return {
        "vpc": sorted(all_vpcs(seawall)),
        "address": [one["AllocationId"] for one in ec2.describe_addresses()["Addresses"]],
        "interface": [
            one["NetworkInterfaceId"] for one in ec2.describe_network_interfaces()["NetworkInterfaces"]
        ],
        "load balancer": [one["LoadBalancerArn"] for one in elb.describe_load_balancers()["LoadBalancers"]],
        "target group": [one["TargetGroupArn"] for one in elb.describe_target_groups()["TargetGroups"]],
        "cluster": ecs.list_clusters()["clusterArns"],
        "zone": [one["Id"] for one in route53.list_hosted_zones()["HostedZones"]],
        "bucket": [one["Name"] for one in s3.list_buckets()["Buckets"]],
        "policy": [one["Arn"] for one in iam.list_policies(Scope="Local")["Policies"]],
        "role": [
            one["RoleName"]
            for one in iam.list_roles()["Roles"]
            if not one["Path"].startswith("/aws-service-role/")  # the services make those, and keep them
        ],
    }


@pytest.fixture(scope="module")
def account(another_seawall: Callable[..., AbstractContextManager[Seawall]]) -> Iterator[Seawall]:
    with another_seawall() as seawall:
        make_room(seawall)
        yield seawall


@pytest.fixture(scope="module")
def at_first(account: Seawall) -> dict[str, list[str]]:
    return census(account)


@pytest.fixture(scope="module")
def lives(
    account: Seawall,
    at_first: dict[str, list[str]],
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[str, "Future[None]"]]:
    """Those of the sites whose tests were chosen, by their files' names; all begin now."""
    chosen = [item.name for item in request.session.items]
    led = [
        Life(site, tmp_path_factory.mktemp("site"), account)
        for site in SITES
        if any(name.endswith(f"[{site.file}]") for name in chosen)
    ]
    with ThreadPoolExecutor(len(SITES)) as pool:
        yield {life.site.file: pool.submit(life.lead) for life in led}
        for life in led:
            life.end()


@pytest.mark.parametrize("file", [site.file for site in SITES])
def test_terraform_applies_finds_no_difference_and_destroys(
    lives: dict[str, "Future[None]"], file: str
) -> None:
    lives[file].result()


def test_all_sites_together_leave_nothing(
    lives: dict[str, "Future[None]"], at_first: dict[str, list[str]], account: Seawall
) -> None:
    assert lives
    assert [file for file, life in lives.items() if life.exception() is not None] == []
    assert census(account) == at_first
