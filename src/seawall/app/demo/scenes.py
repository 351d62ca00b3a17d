"""The scenes of the demonstration; every claim is a line that held or did not."""

import subprocess
import time
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from seawall.app.cgroup import limits_here
from seawall.app.demo import visible_address
from seawall.app.demo.site import (
    CLUSTER,
    FAMILY,
    LOG_GROUP,
    WAIT,
    Site,
    build_site,
    close_door,
    open_door,
    push_images,
    remove_site,
)
from seawall.app.demo.stage import NOTHING, PATIENCE_S, Stage, quote
from seawall.app.failure import CommandFailed


@dataclass(frozen=True)
class RunningTask:
    """A task and its interface, as DescribeTasks and DescribeNetworkInterfaces say."""

    id: str
    interface: str
    private_address: str
    public_address: str | None


class Scenes:
    """Two tasks: who reaches them, whom they reach."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.ledger = stage.ledger
        self.instance = stage.instance
        self.clients = stage.clients
        self.site: Site
        self.public: RunningTask
        self.private: RunningTask
        self._server: subprocess.Popen[str] | None = None

    def build(self) -> None:
        """Images, network, tasks."""
        limits = limits_here()
        if not limits.complete:
            self.ledger.note(f"on this machine, for this user: {limits.sentence()}")
        self.ledger.step("building two images and pushing them with an ECR token")
        references = push_images(self.clients, self.instance.running)
        self.ledger.step("making a VPC with a public and a private subnet, gateways, routes, a group, a role")
        self.site = build_site(self.clients, references, self.stage.region)
        self._server = self.instance.internet_server(visible_address.__name__)
        self.ledger.step(f"running task definition {FAMILY} in the public and in the private subnet")
        self._run_tasks()

    def show(self) -> None:
        self._public_page()
        self._private_is_private()
        self._who_calls()
        self._both_use_port_80()
        self._door()
        self._container_logs()

    def _run_tasks(self) -> None:
        began = time.monotonic()
        tasks = [
            self._run_task(self.site.public_subnet, public=True),
            self._run_task(self.site.private_subnet, public=False),
        ]
        self.clients.ecs.get_waiter("tasks_running").wait(cluster=CLUSTER, tasks=tasks, WaiterConfig=WAIT)
        seconds = time.monotonic() - began
        self.public, self.private = (self._look_up(task) for task in tasks)
        self.ledger.line(
            "two tasks of two containers each",
            expected="RUNNING, one with a public address, one without",
            happened=f"RUNNING after {seconds:.1f} s, {self.public.private_address} with public address"
            f" {self.public.public_address}, {self.private.private_address} with"
            f" {self.private.public_address or 'none'}",
            held=self.public.public_address is not None and self.private.public_address is None,
        )

    def _run_task(self, subnet: str, *, public: bool) -> str:
        # The one thing that is not in the blog: web calls a host on the internet when it starts.
        environment: Any = [{"name": "CALL_HOME", "value": visible_address.URL}]
        answer = self.clients.ecs.run_task(
            cluster=CLUSTER,
            taskDefinition=FAMILY,
            launchType="FARGATE",
            networkConfiguration={
                "awsvpcConfiguration": {
                    "subnets": [subnet],
                    "securityGroups": [self.site.group],
                    "assignPublicIp": "ENABLED" if public else "DISABLED",
                }
            },
            overrides={"containerOverrides": [{"name": "web", "environment": environment}]},
        )
        if answer["failures"]:
            raise CommandFailed(f"RunTask: {answer['failures']}")
        return answer["tasks"][0]["taskArn"]

    def _look_up(self, arn: str) -> RunningTask:
        task = self.clients.ecs.describe_tasks(cluster=CLUSTER, tasks=[arn])["tasks"][0]
        details = {detail["name"]: detail["value"] for detail in task["attachments"][0]["details"]}
        interface = details["networkInterfaceId"]
        described = self.clients.ec2.describe_network_interfaces(NetworkInterfaceIds=[interface])
        association: Any = described["NetworkInterfaces"][0].get("Association", {})
        return RunningTask(
            arn.rpartition("/")[2], interface, details["privateIPv4Address"], association.get("PublicIp")
        )

    def _public_page(self) -> None:
        page = self.stage.page_soon(f"http://{self.public.public_address}/")
        self.ledger.line(
            "a client on the internet asks the public task",
            expected="web's page with what web fetched from api over localhost",
            happened=quote(page),
            held="This is web" in page and "api says: hello from api" in page,
        )
        self.ledger.line(
            "the address on eth1 inside that task",
            expected=f"{self.public.private_address}, as DescribeTasks says",
            happened=quote(page.partition("address: ")[2].partition("\n")[0]),
            held=f"address: {self.public.private_address}\n" in page,
        )

    def _private_is_private(self) -> None:
        for what, address in (
            ("the private task's address", self.private.private_address),
            ("the NAT gateway's address", self.site.nat_address),
        ):
            page = self.instance.get(f"http://{address}/", timeout_s=1)
            self.ledger.line(
                f"the same client asks {what} {address}",
                expected=NOTHING,
                happened=NOTHING if page is None else quote(page),
                held=page is None,
            )

    def _who_calls(self) -> None:
        for who, task, address, whose in (
            ("private", self.private, self.site.nat_address, "the NAT gateway's"),
            ("public", self.public, self.public.public_address, "its own public address"),
        ):
            seen = self._log_line(task, "web", "the internet sees me as ")
            self.ledger.line(
                f"the {who} task calls a host on the internet",
                expected=f"seen there as {address}, {whose}",
                happened=f"seen as {seen}" if seen else "its log says nothing of it",
                held=seen == address,
            )

    def _both_use_port_80(self) -> None:
        url = f"http://{self.public.public_address}/cgi-bin/fetch?http://{self.private.private_address}/"
        page = self.stage.page_soon(url)
        self.ledger.line(
            "port 80 in both tasks at once, the private one asked through the public one",
            expected=f"the page of the task at {self.private.private_address}",
            happened=quote(page),
            held="This is web" in page and f"address: {self.private.private_address}\n" in page,
        )

    def _door(self) -> None:
        url = f"http://{self.public.public_address}/"
        close_door(self.clients, self.site.group)
        closed = self.stage.until(lambda: self.instance.get(url, timeout_s=1) is None)
        self.ledger.line(
            "the rule for port 80 is removed",
            expected=NOTHING,
            happened=NOTHING if closed else f"still open after {PATIENCE_S:g} s",
            held=closed,
        )
        open_door(self.clients, self.site.group)
        page = self.stage.page_soon(url)
        self.ledger.line(
            "the rule for port 80 is added again",
            expected="web's page",
            happened=quote(page),
            held="This is web" in page,
        )

    def _container_logs(self) -> None:
        for container, text in (("web", "web served a page"), ("api", "api answered ")):
            seen = self._log_line(self.public, container, text)
            self.ledger.line(
                f"log stream {FAMILY}/{container}/{self.public.id} in {LOG_GROUP}",
                expected=f"the line '{text}'",
                happened="it is there" if seen is not None else "it is not there",
                held=seen is not None,
            )

    def stop_and_remove(self) -> None:
        """Stop the tasks, see that they let go of everything, and delete it all through the API."""
        free = self._free_addresses()
        ids = [self.public.id, self.private.id]
        for task in ids:
            self.clients.ecs.stop_task(cluster=CLUSTER, task=task, reason="the demonstration is over")
        self.clients.ecs.get_waiter("tasks_stopped").wait(cluster=CLUSTER, tasks=ids, WaiterConfig=WAIT)
        states = [self._interface_state(task.interface) for task in (self.public, self.private)]
        released = self._free_addresses() - free
        page = self.instance.get(f"http://{self.public.public_address}/", timeout_s=1)
        self.ledger.line(
            "both tasks are stopped",
            expected=f"interfaces gone, 2 addresses released, {NOTHING} at the public one",
            happened=f"interfaces {' and '.join(states)}, {released} addresses released, "
            + (NOTHING if page is None else quote(page)),
            held=states == ["gone", "gone"] and released == 2 and page is None,
        )
        remove_site(self.clients, self.site)
        left = self.clients.ec2.describe_vpcs(Filters=[{"Name": "cidr", "Values": ["10.42.0.0/16"]}])["Vpcs"]
        self.ledger.line(
            "the VPC and all in it are deleted through the API",
            expected="no refusal, nothing left",
            happened="no refusal, nothing left" if not left else f"still there: {left}",
            held=not left,
        )

    def end_server(self) -> None:
        """End the host on the internet, if it was started."""
        if self._server:
            self._server.terminate()
            self._server.communicate(timeout=30)
            self._server = None

    def _interface_state(self, interface: str) -> str:
        try:
            found = self.clients.ec2.describe_network_interfaces(NetworkInterfaceIds=[interface])
        except ClientError as error:
            code = error.response["Error"]["Code"]
            return "gone" if code == "InvalidNetworkInterfaceID.NotFound" else code
        return found["NetworkInterfaces"][0]["Status"]

    def _free_addresses(self) -> int:
        subnets = [self.site.public_subnet, self.site.private_subnet]
        found = self.clients.ec2.describe_subnets(SubnetIds=subnets)["Subnets"]
        return sum(subnet["AvailableIpAddressCount"] for subnet in found)

    def _log_line(self, task: RunningTask, container: str, start: str) -> str | None:
        """What follows `start` in a container's log, once it has arrived; None when it never does."""
        found: list[str] = []

        def arrived() -> bool:
            try:
                events = self.clients.logs.get_log_events(
                    logGroupName=LOG_GROUP,
                    logStreamName=f"{FAMILY}/{container}/{task.id}",
                    startFromHead=True,
                )["events"]
            except self.clients.logs.exceptions.ResourceNotFoundException:
                return False
            messages = [event["message"] for event in events]
            found.extend(message.partition(start)[2] for message in messages if start in message)
            return bool(found)

        self.stage.until(arrived)
        return found[0].strip() if found else None

    def why_tasks_stopped(self) -> str:
        """For a demonstration that went wrong: the reasons its tasks give, if they give any."""
        try:
            arns = self.clients.ecs.list_tasks(cluster=CLUSTER, desiredStatus="STOPPED")["taskArns"]
            if not arns:
                return ""
            tasks = self.clients.ecs.describe_tasks(cluster=CLUSTER, tasks=arns)["tasks"]
        except (ClientError, BotoCoreError):
            return ""
        return "".join(f"\n  {t['taskArn']}: {t.get('stopCode')}: {t.get('stoppedReason')}" for t in tasks)
