"""A task and its network, seen from AWS's API, from inside the task and from the internet at once."""

import ipaddress
import json
from collections.abc import Callable, Iterator
from typing import Any

import botocore.exceptions
import pytest
from tests.e2e.harness import (
    ROLE,
    Network,
    Seawall,
    interface_of,
    register,
    run_task,
    wait_for,
)

CURL = ("curl", "-sS", "--max-time", "3")


@pytest.fixture(scope="module")
def public_task(seawall: Seawall, account: None, network: Network) -> Iterator[dict[str, Any]]:
    arn = run_task(seawall, network.public, network.group, public=True)
    yield wait_for(seawall, "tasks_running", arn)
    seawall.client("ecs").stop_task(task=arn)
    wait_for(seawall, "tasks_stopped", arn)


@pytest.fixture(scope="module")
def private_task(seawall: Seawall, account: None, network: Network) -> Iterator[dict[str, Any]]:
    arn = run_task(seawall, network.private, network.group)
    yield wait_for(seawall, "tasks_running", arn)
    seawall.client("ecs").stop_task(task=arn)
    wait_for(seawall, "tasks_stopped", arn)


@pytest.fixture(scope="module")
def looking_glass(seawall: Seawall, account: None, network: Network) -> Callable[[str], str]:
    """Run a shell line in a task of its own and return what it printed, through CloudWatch Logs."""
    role = f"arn:aws:iam::{seawall.running.account}:role/{ROLE}"

    def look(script: str, subnet: str = network.private) -> str:
        definition = register(seawall, "glass", role, web={"command": ["/bin/sh", "-c", script]})
        task = wait_for(seawall, "tasks_stopped", run_task(seawall, subnet, network.group, family=definition))
        assert task["stopCode"] == "EssentialContainerExited", task.get("stoppedReason")
        stream = f"ecs/web/{task['taskArn'].rsplit('/', 1)[-1]}"
        events = seawall.client("logs").get_log_events(
            logGroupName="/ecs/myapp", logStreamName=stream, startFromHead=True
        )["events"]
        return "\n".join(e["message"] for e in events)

    return look


def address_of(seawall: Seawall, task: dict[str, Any]) -> str:
    return str(interface_of(seawall, task)["Association"]["PublicIp"])


def test_the_internet_gets_the_page_which_holds_the_other_containers_answer(
    seawall: Seawall, public_task: dict[str, Any]
) -> None:
    done = seawall.internet(*CURL, f"http://{address_of(seawall, public_task)}/")
    assert done.returncode == 0, done.stderr
    assert "api" in done.stdout


def test_a_port_that_no_rule_opens_stays_closed(seawall: Seawall, public_task: dict[str, Any]) -> None:
    assert seawall.internet(*CURL, f"http://{address_of(seawall, public_task)}:8080/").returncode == 28


def test_the_private_task_cannot_be_reached_by_its_private_address(
    seawall: Seawall, private_task: dict[str, Any]
) -> None:
    interface = interface_of(seawall, private_task)
    assert "Association" not in interface
    assert seawall.internet(*CURL, f"http://{interface['PrivateIpAddress']}/").returncode in (7, 28)


def test_removing_the_rule_closes_the_door_and_adding_it_opens_it(
    seawall: Seawall, network: Network, public_task: dict[str, Any]
) -> None:
    ec2, url = seawall.client("ec2"), f"http://{address_of(seawall, public_task)}/"
    rule = {
        "GroupId": network.group,
        "IpProtocol": "tcp",
        "FromPort": 80,
        "ToPort": 80,
        "CidrIp": "0.0.0.0/0",
    }
    ec2.revoke_security_group_ingress(**rule)
    seawall.settle()
    assert seawall.internet(*CURL, url).returncode == 28
    ec2.authorize_security_group_ingress(**rule)
    seawall.settle()
    assert seawall.internet(*CURL, url).returncode == 0


def test_what_the_task_sees_is_what_the_api_says(
    seawall: Seawall, network: Network, looking_glass: Callable[[str], str]
) -> None:
    said = looking_glass(
        "ip -o -4 addr; ip -o link; ip route; echo ---; cat /etc/resolv.conf; echo ---; hostname; echo ---;"
        " cat /etc/hosts; echo ---; cat /etc/hostname"
    )
    links, resolv, hostname, hosts, hostname_file = (part.strip() for part in said.split("---"))
    task = last_task(seawall, "glass")
    details = {d["name"]: d["value"] for d in task["attachments"][0]["details"]}
    address = details["privateIPv4Address"]
    assert ipaddress.ip_address(address) in ipaddress.ip_network("10.0.1.0/24")
    assert f"{address}/24" in links
    assert f"link/ether {details['macAddress']}" in links
    assert "default via 10.0.1.1 dev eth1" in links
    assert "mtu 9001" in next(line for line in links.splitlines() if "eth1" in line and "mtu" in line)
    assert "169.254.170.2" in next(line for line in links.splitlines() if line.startswith("169.254.170.2"))
    name = f"ip-{address.replace('.', '-')}.ec2.internal"
    assert resolv.splitlines() == ["nameserver 10.0.0.2", "search ec2.internal"]
    assert hostname == hostname_file == details["privateDnsName"] == name
    assert hosts.splitlines() == ["127.0.0.1 localhost", f"{address} {name}"]


def test_outgoing_connections_carry_the_nat_gateways_address(
    seawall: Seawall, network: Network, looking_glass: Callable[[str], str]
) -> None:
    server = (
        "import http.server as h\n"
        "class H(h.BaseHTTPRequestHandler):\n"
        "    def do_GET(self):\n"
        "        self.send_response(200); self.end_headers()\n"
        "        self.wfile.write(self.client_address[0].encode())\n"
        "    def log_message(self, *a): pass\n"
        "s = h.HTTPServer(('203.0.113.10', 8000), H); print('up', flush=True); s.handle_request()\n"
    )
    with seawall.internet_process("python3", "-c", server) as running:
        assert running.stdout is not None
        assert running.stdout.readline().strip() == "up"
        said = looking_glass("wget -qO- http://203.0.113.10:8000/")
    assert said.strip() == network.nat_address


def test_a_container_cannot_change_its_network(looking_glass: Callable[[str], str]) -> None:
    said = looking_glass(
        "ip addr add 10.0.1.250/24 dev eth1 2>&1; ip link set eth1 down 2>&1; ip route del default 2>&1;"
        " grep CapEff /proc/self/status"
    )
    assert said.count("not permitted") == 3
    capabilities = int(said.split("CapEff:")[1].strip(), 16)
    net_admin, sys_admin = 12, 21
    assert not capabilities & (1 << net_admin | 1 << sys_admin)


def test_a_subnet_without_a_route_cannot_pull_and_says_which_route_is_missing(
    seawall: Seawall, account: None, network: Network
) -> None:
    task = wait_for(seawall, "tasks_stopped", run_task(seawall, network.dark, network.group))
    assert task["stopCode"] == "TaskFailedToStart"
    reason = task["stoppedReason"]
    assert reason.startswith(("ResourceInitializationError", "CannotPullContainerError"))
    assert "i/o timeout" in reason
    assert network.dark in reason
    assert "rtb-" in reason
    assert all("exitCode" not in c for c in task["containers"])


def test_stopping_a_task_releases_its_interface_and_address(
    seawall: Seawall, account: None, network: Network
) -> None:
    ec2 = seawall.client("ec2")
    free = free_addresses(ec2, network.public)
    arn = run_task(seawall, network.public, network.group, public=True)
    task = wait_for(seawall, "tasks_running", arn)
    assert free_addresses(ec2, network.public) == free - 1
    interface = interface_of(seawall, task)
    for call, params in (
        ("detach_network_interface", {"AttachmentId": interface["Attachment"]["AttachmentId"]}),
        ("delete_network_interface", {"NetworkInterfaceId": interface["NetworkInterfaceId"]}),
    ):
        with pytest.raises(botocore.exceptions.ClientError):
            getattr(ec2, call)(**params)
    seawall.client("ecs").stop_task(task=arn, reason="enough")
    stopped = wait_for(seawall, "tasks_stopped", arn)
    assert (stopped["stopCode"], stopped["stoppedReason"]) == ("UserInitiated", "enough")
    assert free_addresses(ec2, network.public) == free
    with pytest.raises(botocore.exceptions.ClientError) as gone:
        ec2.describe_network_interfaces(NetworkInterfaceIds=[interface["NetworkInterfaceId"]])
    assert gone.value.response["Error"]["Code"] == "InvalidNetworkInterfaceID.NotFound"


def test_the_aws_cli_sees_the_same_task(seawall: Seawall, public_task: dict[str, Any]) -> None:
    seen = seawall.aws_json("ecs", "describe-tasks", "--tasks", public_task["taskArn"])["tasks"][0]
    assert seen["lastStatus"] == "RUNNING"
    assert seen["attachments"] == json.loads(json.dumps(public_task["attachments"]))
    listed = seawall.aws_json("ecs", "list-tasks", "--family", "myapp")
    assert public_task["taskArn"] in listed["taskArns"]
    wrong = seawall.aws("ecs", "list-tasks", "--cluster", "nowhere")
    assert wrong.returncode != 0
    assert "(ClusterNotFoundException)" in wrong.stderr


def free_addresses(ec2: Any, subnet: str) -> int:
    return int(ec2.describe_subnets(SubnetIds=[subnet])["Subnets"][0]["AvailableIpAddressCount"])


def last_task(seawall: Seawall, family: str) -> dict[str, Any]:
    ecs = seawall.client("ecs")
    arns = ecs.list_tasks(family=family, desiredStatus="STOPPED")["taskArns"]
    return dict(max(ecs.describe_tasks(tasks=arns)["tasks"], key=lambda t: t["createdAt"]))
