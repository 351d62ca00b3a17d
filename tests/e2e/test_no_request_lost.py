"""Constant load through load balancers while all that can change changes, and processes are killed.

Clients ask through an application and a network load balancer, whose targets see clients' addresses in one
group and the nodes' in the other, over kept and over fresh connections.  None of their requests is lost, nor
is any of the names they look up.
"""

import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.e2e import constant_clients
from tests.e2e.balanced_site import Site, completed, has_begun
from tests.e2e.harness import WAIT, Seawall, eventually, prepare_account, register

ECHO, PRESERVED, PLAIN = 7, 7001, 7002
DRAINING = {"deregistration_delay.timeout_seconds": "3"}
MOST_ABSENT_S = 2.0
START = "nc -ll -p 7 -e cat & exec /bin/start"


class Place(Site):
    """One service of the web server and an echo behind both kinds of load balancers."""

    def _balancer(self) -> None:
        super()._balancer()
        self.elb.modify_target_group_attributes(TargetGroupArn=self.group, Attributes=attributes(DRAINING))
        self.ec2.authorize_security_group_ingress(
            GroupId=self.front, IpProtocol="tcp", FromPort=PRESERVED, ToPort=PLAIN, CidrIp="0.0.0.0/0"
        )
        made = self.elb.create_load_balancer(
            Name="net", Type="network", Subnets=self.public, SecurityGroups=[self.front]
        )["LoadBalancers"][0]
        self.network_balancer, self.network_name = made["LoadBalancerArn"], made["DNSName"]
        self.elb.modify_load_balancer_attributes(
            LoadBalancerArn=self.network_balancer,
            Attributes=attributes({"load_balancing.cross_zone.enabled": "true"}),
        )
        self.echoes = {
            port: self._echo(port, preserved) for port, preserved in ((PRESERVED, "true"), (PLAIN, "false"))
        }
        self.elb.get_waiter("load_balancer_available").wait(
            LoadBalancerArns=[self.network_balancer], WaiterConfig=WAIT
        )

    def restart(self) -> None:
        """Start the control plane that was killed; it has another address."""
        self.seawall.up()
        self.ecs, self.elb, self.ec2 = (self.seawall.client(name) for name in ("ecs", "elbv2", "ec2"))

    def _echo(self, port: int, preserved: str) -> str:
        """A listener and its target group."""
        arn = self.elb.create_target_group(
            Name=f"echo-{port}",
            Protocol="TCP",
            Port=ECHO,
            VpcId=self.network.vpc,
            TargetType="ip",
            HealthCheckIntervalSeconds=5,
            HealthCheckTimeoutSeconds=2,
            HealthyThresholdCount=2,
        )["TargetGroups"][0]["TargetGroupArn"]
        self.elb.modify_target_group_attributes(
            TargetGroupArn=arn, Attributes=attributes({"preserve_client_ip.enabled": preserved, **DRAINING})
        )
        self.listen(self.network_balancer, port, arn, "TCP")
        return str(arn)

    def listen(self, balancer: str, port: int, group: str, protocol: str = "HTTP") -> str:
        made = self.elb.create_listener(
            LoadBalancerArn=balancer,
            Protocol=protocol,
            Port=port,
            DefaultActions=[{"Type": "forward", "TargetGroupArn": group}],
        )
        return str(made["Listeners"][0]["ListenerArn"])

    def admit_all(self) -> None:
        for port in (80, ECHO):
            pair = {"UserIdGroupPairs": [{"GroupId": self.front}]}
            self.ec2.authorize_security_group_ingress(
                GroupId=self.tasks_group,
                IpPermissions=[{"IpProtocol": "tcp", "FromPort": port, "ToPort": port, **pair}],
            )

    def revision(self, number: int) -> str:
        web = {
            "portMappings": [{"containerPort": 80}, {"containerPort": ECHO}],
            "command": ["sh", "-c", START],
            "environment": [{"name": "REVISION", "value": str(number)}],
        }
        return register(self.seawall, "shop", self.role, web=web)

    def create(self, name: str, count: int) -> None:
        behind = [(self.group, 80), *((arn, ECHO) for arn in self.echoes.values())]
        place = {"subnets": [self.network.private], "securityGroups": [self.tasks_group]}
        self.ecs.create_service(
            serviceName=name,
            taskDefinition=self.revision(1),
            desiredCount=count,
            launchType="FARGATE",
            networkConfiguration={"awsvpcConfiguration": {**place, "assignPublicIp": "DISABLED"}},
            loadBalancers=[
                {"targetGroupArn": arn, "containerName": "web", "containerPort": port} for arn, port in behind
            ],
        )

    def every_state(self) -> list[str]:
        """Of all targets in all groups."""
        found = []
        for arn in (self.group, *self.echoes.values()):
            health = self.elb.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
            found += [target["TargetHealth"]["State"] for target in health]
        return found

    def settled(self, count: int) -> None:
        """Return when the service has so many tasks, all healthy, and nobody leaves any more."""
        healthy = ["healthy"] * 3 * count
        self.until("shop", lambda s: completed(s) and s["runningCount"] == count)
        self.until("shop", lambda s: self.every_state() == healthy)
        self.drained("shop")

    def look_up(self) -> None:
        """Return when an agent has answered."""
        assert self.seawall.internet("getent", "hosts", self.name).returncode == 0

    @contextmanager
    def clients(self) -> Iterator[dict[str, Any]]:
        """They ask as long as the block lasts; then what they saw is in the dictionary."""
        places = [
            f"http:{self.name}:80",
            *(f"echo:{self.network_name}:{port}" for port in (PRESERVED, PLAIN)),
        ]
        seen: dict[str, Any] = {}
        words = (sys.executable, "-u", str(Path(constant_clients.__file__)), *places)
        with self.seawall.internet_process(*words) as process:
            assert process.stdout is not None
            assert process.stdout.readline().strip() == "ready"
            yield seen
            process.terminate()
            said, _ = process.communicate(timeout=30)
        seen.update(json.loads(said.splitlines()[-1]))
        for client, told in seen.items():
            print(client, {**told, "failures": told["failures"][:5]})

    @contextmanager
    def no_request_lost(self) -> Iterator[None]:
        """And whenever a name was looked up, it was found: it is the agent that answers for names."""
        with self.clients() as seen:
            yield
        names = seen.pop("names")
        assert names["failures"] == [], names
        assert {client: told["failures"] for client, told in seen.items() if told["failures"]} == {}
        assert len(seen) == 6
        assert all(told["requests"] > 20 for told in seen.values()), seen


def attributes(wanted: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in wanted.items()]


@pytest.fixture(scope="module")
def place(another_seawall: Callable[..., AbstractContextManager[Seawall]]) -> Iterator[Place]:
    with another_seawall("--service-healthy-after", "1") as running:
        prepare_account(running)
        place = Place(running)
        place.admit_all()
        place.create("shop", 2)
        place.settled(2)
        yield place


def test_a_rolling_update(place: Place) -> None:
    with place.no_request_lost():
        place.ecs.update_service(service="shop", taskDefinition=place.revision(2))
        place.until("shop", lambda s: len(s["deployments"]) == 2)
        place.settled(2)


def test_a_service_that_grows_and_shrinks(place: Place) -> None:
    with place.no_request_lost():
        for count in (4, 2):
            place.ecs.update_service(service="shop", desiredCount=count)
            place.settled(count)


def test_a_load_balancer_that_is_configured_anew(place: Place) -> None:
    elb = place.elb
    listener = elb.describe_listeners(LoadBalancerArn=place.balancer)["Listeners"][0]["ListenerArn"]
    other = place.target_group("other")
    with place.no_request_lost():
        rule = elb.create_rule(
            ListenerArn=listener,
            Priority=10,
            Conditions=[{"Field": "path-pattern", "Values": ["/other*"]}],
            Actions=[{"Type": "forward", "TargetGroupArn": other}],
        )["Rules"][0]["RuleArn"]
        place.seawall.settle()
        address = elb.describe_target_health(TargetGroupArn=place.group)["TargetHealthDescriptions"][0]
        target = {"Id": address["Target"]["Id"], "Port": 80}
        elb.register_targets(TargetGroupArn=other, Targets=[target])
        elb.get_waiter("target_in_service").wait(
            TargetGroupArn=other, Targets=[target], WaiterConfig={"Delay": 1, "MaxAttempts": 60}
        )
        for weight in (1, 50, 999):
            groups = [
                {"TargetGroupArn": place.group, "Weight": 100},
                {"TargetGroupArn": other, "Weight": weight},
            ]
            elb.modify_listener(
                ListenerArn=listener,
                DefaultActions=[{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}],
            )
            place.seawall.settle()
        elb.modify_listener(
            ListenerArn=listener, DefaultActions=[{"Type": "forward", "TargetGroupArn": place.group}]
        )
        elb.delete_rule(RuleArn=rule)
        elb.deregister_targets(TargetGroupArn=other, Targets=[target])
        for balancer, protocol in ((place.balancer, "HTTP"), (place.network_balancer, "TCP")):
            group = other if protocol == "HTTP" else place.echoes[PLAIN]
            if protocol == "TCP":
                group = elb.create_target_group(
                    Name="more", Protocol="TCP", Port=ECHO, VpcId=place.network.vpc, TargetType="ip"
                )["TargetGroups"][0]["TargetGroupArn"]
            added = place.listen(balancer, 8081, group, protocol)
            place.seawall.settle()
            elb.delete_listener(ListenerArn=added)
            place.seawall.settle()
    elb.delete_target_group(TargetGroupArn=other)


def test_a_control_plane_that_is_killed(place: Place) -> None:
    with place.no_request_lost():
        place.seawall.kill_control_plane()
        place.restart()
        place.settled(2)


def test_an_agent_that_is_killed(place: Place) -> None:
    """And after it what holds its sockets for the next."""
    with place.no_request_lost():
        kill(place.seawall.agent_pid)
        place.look_up()  # with both away, what waits is lost
        kill(place.seawall.holder_pid)
        place.settled(2)


def test_both_are_killed_in_the_middle_of_a_rolling_update(place: Place) -> None:
    with place.no_request_lost():
        place.ecs.update_service(service="shop", taskDefinition=place.revision(3))
        place.until("shop", has_begun)
        place.seawall.kill_control_plane()
        os.kill(place.seawall.agent_pid(), signal.SIGKILL)
        place.restart()
        place.settled(2)
    said = place.seawall.internet("curl", "-sS", "-m", "3", f"http://{place.name}/revision.txt")
    assert said.stdout.strip() == "revision 3"


def kill(pid: Callable[[], int]) -> None:
    """Return when there is another."""
    before = pid()
    os.kill(before, signal.SIGKILL)

    def is_followed() -> bool:
        with contextlib.suppress(AssertionError):  # at the moment none runs
            return pid() != before
        return False

    eventually(is_followed, "another comes")


def engines(place: Place) -> dict[str, list[int]]:
    """The processes of the engine of each node of the application load balancer, the master first."""
    described = [{"Name": "description", "Values": ["ELB app/web/*"]}]
    interfaces = place.ec2.describe_network_interfaces(Filters=described)["NetworkInterfaces"]
    found: dict[str, list[int]] = {interface["NetworkInterfaceId"]: [] for interface in interfaces}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
                if Path(words[0]).name == "haproxy" and "-S" in words:
                    node = next((id for id in found if f"/{id}/" in words[words.index("-S") + 1]), None)
                    if node is not None:
                        found[node].append(int(entry.name))
    return {node: sorted(pids) for node, pids in found.items()}


@pytest.mark.parametrize("victim", ["master", "worker"])
def test_an_engine_that_is_killed(place: Place, victim: str) -> None:
    """What it had open is lost, and what comes until it is back, which it is by itself; nothing else."""
    before = engines(place)
    assert len(before) == 2, "a node in each zone"
    with place.clients() as seen:
        began = time.time()
        for master, *workers in before.values():
            os.kill(master if victim == "master" else workers[-1], signal.SIGKILL)
        place.until("shop", lambda _: all_anew(before, engines(place)))
        place.settled(2)
        back = time.time()
    names = seen.pop("names")
    assert names["failures"] == []
    lost = {client: [at - began for at, _ in told["failures"]] for client, told in seen.items()}
    print(f"after {back - began:.3f} s all was well again; lost: {lost}")
    assert {client for client, failures in lost.items() if failures} <= {
        f"http:{place.name}:80 fresh",
        f"http:{place.name}:80 kept",
    }
    assert all(at < MOST_ABSENT_S for failures in lost.values() for at in failures), lost
    assert all(told["answers"] for told in seen.values()), seen


def all_anew(before: dict[str, list[int]], now: dict[str, list[int]]) -> bool:
    """Whether each node has an engine again, and nothing is left of that before."""
    return all(
        len(now.get(place, ())) == 2 and set(pids).isdisjoint(now[place]) for place, pids in before.items()
    )
