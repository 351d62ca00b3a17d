"""The second half of the demonstration: a service behind a load balancer changes, and no client notices."""

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from seawall.app.demo import steady_client
from seawall.app.demo.service_site import (
    HOST,
    SERVICE,
    ServiceSite,
    build_service_site,
    create_service,
    register_revision,
    remove_service_site,
)
from seawall.app.demo.site import CLUSTER, WAIT, Site
from seawall.app.demo.stage import Stage, quote
from seawall.app.failure import CommandFailed

COUNT, MORE = 2, 4
KILLED = 128 + 9
PAGE = "/revision.txt"
ROLLBACK_PATIENCE_S = RELEASE_PATIENCE_S = 40.0
BROKEN_OFF = ": HTTPException('status 502')"  # what becomes of a request whose server dies over it, as on AWS


class ServiceScenes:
    def __init__(self, stage: Stage, site: Site) -> None:
        self.stage = stage
        self.site = site
        self.shop: ServiceSite

    def build(self) -> None:
        ledger = self.stage.ledger
        ledger.step("making an internet-facing load balancer, target groups, a path rule, a name for it")
        self.shop = build_service_site(self.stage.clients, self.site)
        ledger.step(f"creating a service of {COUNT} tasks in the private subnets behind it")
        began = time.monotonic()
        create_service(self.stage.clients, self.site, self.shop, COUNT)
        self._steady()  # which counts tasks that run; that they are healthy is an event
        self.stage.until(lambda: "steady state" in self._newest_event())
        seconds = time.monotonic() - began
        healthy = {name: self._healthy(arn) for name, arn in self.shop.target_groups.items()}
        ledger.line(
            "the service",
            expected=f"a steady state with {COUNT} healthy targets in each target group",
            happened=f"{self._newest_event()} after {seconds:.1f} s, healthy: {healthy}",
            held=set(healthy.values()) == {COUNT} and "steady state" in self._newest_event(),
        )

    def show(self) -> None:
        self._path_rules()
        self._rolls()
        self._scales()
        self._loses_a_task()
        self._bad_revision()

    def _path_rules(self) -> None:
        for path, who, text in (("/", "web", "This is web"), ("/cgi-bin/hello", "api", "hello from api")):
            page = self.stage.page_soon(f"http://{HOST}{path}")
            self.stage.ledger.line(
                f"a client on the internet asks http://{HOST}{path}",
                expected=f"{who}'s page",
                happened=quote(page),
                held=text in page,
            )

    def _rolls(self) -> None:
        change = {"environment": [{"name": "REVISION", "value": "2"}]}
        definition = register_revision(self.stage.clients, self.site, change)
        with self._no_client_notices("the service rolls to a new revision"):
            self._update(taskDefinition=definition)
            self._steady()
        page = self.stage.page_soon(f"http://{HOST}{PAGE}")
        self.stage.ledger.line(
            "and afterwards", expected="'revision 2'", happened=quote(page), held=page.strip() == "revision 2"
        )

    def _scales(self) -> None:
        for count in (MORE, COUNT):
            with self._no_client_notices(f"the service is scaled to {count} tasks"):
                self._update(desiredCount=count)
                self._steady()

    def _loses_a_task(self) -> None:
        before = self._tasks()
        with self._no_client_notices("the web server of one task is killed with kill -9", in_its_hands=1):
            # fmt: off
            words = self.stage.instance.command(
                "exec", before[0].rpartition("/")[2], "web", "--", "busybox", "killall", "-9", "httpd"
            )
            # fmt: on
            done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=30)
            if done.returncode not in (0, KILLED):  # the container's end may come before the command's own
                raise CommandFailed(f"seawall exec: status {done.returncode}: {done.stderr.strip()}")
            replaced = self.stage.until(lambda: before[0] not in self._tasks())
            self._steady()
        self.stage.ledger.line(
            "the service misses that task",
            expected=f"another in its place, {COUNT} running",
            happened=f"{'replaced' if replaced else 'still there'}, {len(self._tasks())} running",
            held=replaced and len(self._tasks()) == COUNT,
        )

    def _bad_revision(self) -> None:
        change = {"command": ["/bin/sh", "-c", "echo no such setting; exit 1"]}
        bad = register_revision(self.stage.clients, self.site, change)
        with self._no_client_notices("the service is given a revision that exits at once"):
            self._update(taskDefinition=bad)
            back = self.stage.until(lambda: self._rolled_back(bad), ROLLBACK_PATIENCE_S)
        event = next((text for text in self._events() if "rolling back" in text), "no event tells of it")
        self.stage.ledger.line(
            "the deployment circuit breaker",
            expected="rolls back to the revision before",
            happened=event if back else f"{event}; deployments: {self._described()['deployments']}",
            held=back and "rolling back" in event,
        )

    @contextmanager
    def _no_client_notices(self, what: str, *, in_its_hands: int = 0) -> Iterator[None]:
        """Something happens while a client on the internet goes on asking; not one request may fail.

        in_its_hands   but so many: those which a server may be answering when it is killed
        """
        client = self.stage.instance.internet_server(steady_client.__name__, HOST, PAGE)
        try:
            yield
            self._drained()
        finally:
            client.terminate()
            said, trouble = client.communicate(timeout=30)
        try:
            seen: dict[str, Any] = json.loads(said.splitlines()[-1])
        except (IndexError, ValueError):
            raise CommandFailed(f"the client on the internet failed: {trouble.strip()}") from None
        answers = ", ".join(f"{count} '{text}'" for text, count in seen["answers"].items())
        failures = f"{seen['failed']} failed" + (
            f" ({'; '.join(seen['failures'])})" if seen["failed"] else ""
        )
        lost = ", but that the one it was answering may be a 502" if in_its_hands else ""
        excused = seen["failed"] <= in_its_hands and all(
            failure.endswith(BROKEN_OFF) for failure in seen["failures"]
        )
        self.stage.ledger.line(
            what,
            expected=f"no request of a client fails meanwhile{lost}",
            happened=f"of {seen['requests']} requests {failures}: {answers}",
            held=excused and seen["requests"] > 0,
        )

    def remove(self) -> None:
        """Delete the service and everything in front of it through the API."""
        clients = self.stage.clients
        clients.ecs.delete_service(cluster=CLUSTER, service=SERVICE, force=True)
        clients.ecs.get_waiter("services_inactive").wait(
            cluster=CLUSTER, services=[SERVICE], WaiterConfig=WAIT
        )
        remove_service_site(clients, self.shop)
        ec2, shop = clients.ec2, self.shop
        deletions: list[Callable[[], object]] = [
            *(partial(ec2.delete_subnet, SubnetId=subnet) for subnet in shop.added_subnets),
            partial(ec2.delete_security_group, GroupId=shop.task_group),
            partial(ec2.delete_security_group, GroupId=shop.balancer_group),
        ]
        for delete in deletions:
            if not self.stage.until(partial(_deleted, delete), RELEASE_PATIENCE_S):
                delete()

    def _update(self, **change: Any) -> None:
        self.stage.clients.ecs.update_service(cluster=CLUSTER, service=SERVICE, **change)

    def _steady(self) -> None:
        waiter = self.stage.clients.ecs.get_waiter("services_stable")
        waiter.wait(cluster=CLUSTER, services=[SERVICE], WaiterConfig=WAIT)

    def _drained(self) -> None:
        """Wait until no target finishes what it had: only then its task is ended, which nobody may notice."""
        groups = self.shop.target_groups.values()
        self.stage.until(lambda: all("draining" not in self._targets(arn) for arn in groups))

    def _described(self) -> Any:
        return self.stage.clients.ecs.describe_services(cluster=CLUSTER, services=[SERVICE])["services"][0]

    def _rolled_back(self, bad: str) -> bool:
        deployments = self._described()["deployments"]
        return (
            len(deployments) == 1
            and deployments[0]["taskDefinition"] != bad
            and deployments[0]["rolloutState"] == "COMPLETED"
        )

    def _tasks(self) -> list[str]:
        clients = self.stage.clients
        return clients.ecs.list_tasks(cluster=CLUSTER, serviceName=SERVICE, desiredStatus="RUNNING")[
            "taskArns"
        ]

    def _events(self) -> list[str]:
        return [event["message"] for event in self._described()["events"]]

    def _newest_event(self) -> str:
        return next(iter(self._events()), "no event")

    def _healthy(self, target_group: str) -> int:
        return self._targets(target_group).count("healthy")

    def _targets(self, target_group: str) -> list[str]:
        """The states of its targets."""
        found = self.stage.clients.elbv2.describe_target_health(TargetGroupArn=target_group)
        return [each["TargetHealth"]["State"] for each in found["TargetHealthDescriptions"]]


def _deleted(delete: Callable[[], object]) -> bool:
    """Whether it could be done: interfaces go a moment after what they belonged to, as on AWS."""
    try:
        delete()
    except ClientError as error:
        if error.response["Error"]["Code"] != "DependencyViolation":
            raise
        return False
    return True
