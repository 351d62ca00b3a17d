"""What clients and targets see of each other through load balancers: real clients, real tasks."""

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tests.e2e import odd_server
from tests.e2e.application_image import build_application
from tests.e2e.balanced_site import Site
from tests.e2e.harness import WAIT, Seawall, interface_of, register, run_task, wait_for

from seawall.app.demo.images import push_image
from seawall.model.internet import CLIENT_ADDRESS

STICKY = {
    "stickiness.enabled": "true",
    "stickiness.type": "lb_cookie",
    "stickiness.lb_cookie.duration_seconds": "60",
}
WEBSOCKET_CLIENT = """
import socket, sys
with socket.create_connection((sys.argv[1], 80), timeout=10) as server:
    server.sendall(
        b"GET /chat HTTP/1.1\\r\\nHost: chat\\r\\nConnection: Upgrade\\r\\nUpgrade: websocket\\r\\n"
        b"Sec-WebSocket-Version: 13\\r\\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\\r\\n\\r\\n"
    )
    reader = server.makefile("rb")
    print(reader.readline().decode().strip())
    while (line := reader.readline().decode().strip()):
        print(line.lower())
    print(reader.read(7))
    frame = b"\\x81\\x85abcd" + bytes(a ^ b for a, b in zip(b"first", b"abcda"))
    server.sendall(frame)
    print(reader.read(len(frame)) == frame)
"""


class Stage(Site):
    """Three tasks of the odd server, none of them registered anywhere yet."""

    def __init__(self, seawall: Seawall) -> None:
        super().__init__(seawall)
        self.admit()
        seawall.client("ecr").create_repository(repositoryName="odd")
        push_image(build_application, running=seawall.running, repository="odd", tag="latest")
        command = ["-c", Path(odd_server.__file__).read_text()]
        odd = {"command": command, "portMappings": [{"containerPort": 80}]}
        family = register(seawall, "odd", self.role, odd=odd)
        arns = [run_task(seawall, self.network.private, self.tasks_group, family=family) for _ in range(3)]
        wait_for(seawall, "tasks_running", *arns)
        tasks = self.ecs.describe_tasks(tasks=arns)["tasks"]
        self.addresses = [interface_of(seawall, task)["PrivateIpAddress"] for task in tasks]
        self.listener = self.elb.describe_listeners(LoadBalancerArn=self.balancer)["Listeners"][0][
            "ListenerArn"
        ]

    def register(self, group: str, *addresses: str) -> None:
        """Return when they are in service."""
        targets = [{"Id": address, "Port": 80} for address in addresses]
        self.elb.register_targets(TargetGroupArn=group, Targets=targets)
        self.elb.get_waiter("target_in_service").wait(
            TargetGroupArn=group, Targets=targets, WaiterConfig=WAIT
        )
        self.seawall.settle()

    def nodes(self, balancer: str) -> set[str]:
        """The private addresses of a load balancer's nodes."""
        described = [{"Name": "description", "Values": [f"ELB {balancer.partition('loadbalancer/')[2]}"]}]
        found = self.ec2.describe_network_interfaces(Filters=described)["NetworkInterfaces"]
        return {interface["PrivateIpAddress"] for interface in found}

    def curl(self, *words: str) -> str:
        done = self.seawall.internet("curl", "-sS", "--max-time", "15", *words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def told(self, *words: str) -> list[dict[str, Any]]:
        """What targets told in their answers, one after the other."""
        text, found, at = self.curl(*words), [], 0
        while at < len(text):
            answer, at = json.JSONDecoder().raw_decode(text, at)
            found.append(answer)
        return found

    def status(self, path: str) -> str:
        return self.curl("-o", "/dev/null", "-w", "%{http_code} %{time_total}", f"http://{self.name}{path}")

    def kept(self, *paths: str) -> list[str]:
        """How many connections each request made, and its status."""
        words = [word for path in paths for word in ("-o", "/dev/null", f"http://{self.name}{path}")]
        return self.curl("-w", "%{num_connects} %{http_code}\\n", *words).splitlines()


@pytest.fixture(scope="module")
def stage(seawall: Seawall, account: None) -> Stage:
    return Stage(seawall)


def test_a_client_stays_with_its_task_when_others_come(stage: Stage) -> None:
    """Whichever node it comes through."""
    attributes = [{"Key": key, "Value": value} for key, value in STICKY.items()]
    stage.elb.modify_target_group_attributes(TargetGroupArn=stage.group, Attributes=attributes)
    stage.register(stage.group, stage.addresses[0])
    url, jar = f"http://{stage.name}/", str(stage.seawall.state_dir / "cookies")
    (first,) = stage.told("-c", jar, url)
    stage.register(stage.group, *stage.addresses[1:])
    nodes = stage.nodes(stage.balancer)
    public = stage.ec2.describe_network_interfaces(
        Filters=[{"Name": "private-ip-address", "Values": sorted(nodes)}]
    )["NetworkInterfaces"]
    for address in (interface["Association"]["PublicIp"] for interface in public):
        again = stage.told("-b", jar, "-c", jar, "--connect-to", f"::{address}:80", f"{url}[1-12]")
        assert {answer["name"] for answer in again} == {first["name"]}
    others = stage.told(f"{url}[1-12]")
    assert len({answer["name"] for answer in others}) == 3
    off = [{"Key": "stickiness.enabled", "Value": "false"}]
    stage.elb.modify_target_group_attributes(TargetGroupArn=stage.group, Attributes=off)


def test_a_target_is_told_of_the_client(stage: Stage) -> None:
    stage.register(stage.group, *stage.addresses)
    (told,) = stage.told("-H", "X-Forwarded-For: 192.0.2.7", f"http://{stage.name}/")
    assert told["peer"] in stage.nodes(stage.balancer)
    seen = {name: told["headers"].get(f"x-forwarded-{name}") for name in ("for", "proto", "port")}
    assert seen == {"for": f"192.0.2.7, {CLIENT_ADDRESS}", "proto": "http", "port": "80"}
    assert told["headers"]["x-amzn-trace-id"].startswith("Root=1-")


@pytest.mark.parametrize("preserved", ["true", "false"])
def test_a_network_load_balancer_preserves_addresses_where_it_shall(stage: Stage, preserved: str) -> None:
    elb = stage.elb
    made = elb.create_load_balancer(
        Name=f"net-{preserved}", Type="network", Subnets=stage.public, SecurityGroups=[stage.front]
    )["LoadBalancers"][0]
    group = elb.create_target_group(
        Name=f"net-{preserved}", Protocol="TCP", Port=80, VpcId=stage.network.vpc, TargetType="ip"
    )["TargetGroups"][0]["TargetGroupArn"]
    wanted = {"preserve_client_ip.enabled": preserved, "load_balancing.cross_zone.enabled": "true"}
    attributes = [{"Key": key, "Value": value} for key, value in wanted.items()]
    elb.modify_target_group_attributes(TargetGroupArn=group, Attributes=attributes)
    elb.create_listener(
        LoadBalancerArn=made["LoadBalancerArn"],
        Protocol="TCP",
        Port=80,
        DefaultActions=[{"Type": "forward", "TargetGroupArn": group}],
    )
    elb.get_waiter("load_balancer_available").wait(
        LoadBalancerArns=[made["LoadBalancerArn"]], WaiterConfig=WAIT
    )
    stage.register(group, stage.addresses[0])
    (told,) = stage.told(f"http://{made['DNSName']}/")
    expected = {CLIENT_ADDRESS} if preserved == "true" else stage.nodes(made["LoadBalancerArn"])
    assert told["peer"] in expected
    assert not [name for name in told["headers"] if name.startswith("x-")]


def test_weights_decide_between_target_groups(stage: Stage) -> None:
    heavy, light = stage.target_group("heavy"), stage.target_group("light")
    weights = [{"TargetGroupArn": heavy, "Weight": 3}, {"TargetGroupArn": light, "Weight": 1}]
    stage.elb.create_rule(
        ListenerArn=stage.listener,
        Priority=1,
        Conditions=[{"Field": "path-pattern", "Values": ["/weighted/*"]}],
        Actions=[{"Type": "forward", "ForwardConfig": {"TargetGroups": weights}}],
    )
    stage.register(heavy, stage.addresses[0])
    stage.register(light, stage.addresses[1])
    seen = Counter(answer["name"] for answer in stage.told(f"http://{stage.name}/weighted/[1-400]"))
    assert len(seen) == 2
    assert abs(seen.most_common()[0][1] - 300) < 5 * (400 * 0.75 * 0.25) ** 0.5


def test_targets_that_do_not_answer(stage: Stage) -> None:
    stage.elb.modify_load_balancer_attributes(
        LoadBalancerArn=stage.balancer, Attributes=[{"Key": "idle_timeout.timeout_seconds", "Value": "2"}]
    )
    stage.elb.create_rule(
        ListenerArn=stage.listener,
        Priority=2,
        Conditions=[{"Field": "path-pattern", "Values": ["/nobody"]}],
        Actions=[{"Type": "forward", "TargetGroupArn": stage.target_group("nobody")}],
    )
    stage.register(stage.group, *stage.addresses)
    assert stage.status("/close").split()[0] == "502"
    assert stage.kept("/", "/close") == ["1 200", "0 502"]
    assert stage.status("/nobody").split()[0] == "503"
    status, seconds = stage.status("/hang").split()
    assert status == "504" and 2 <= float(seconds) < 4


def test_a_websocket_is_a_tunnel_to_a_task(stage: Stage) -> None:
    stage.register(stage.group, *stage.addresses)
    done = stage.seawall.internet(sys.executable, "-c", WEBSOCKET_CLIENT, stage.name)
    assert done.returncode == 0, done.stderr
    first, *headers, greeting, echoed = done.stdout.splitlines()
    assert first == "HTTP/1.1 101 Switching Protocols"
    assert "sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=" in headers
    assert (greeting, echoed) == (str(b"\x81\x05hello"), "True")
