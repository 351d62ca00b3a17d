"""What people call the two ends of a question, and the whole of `explain` on a saved model."""

import json
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace
from tests.packet.balancers import balancer
from tests.packet.world_data import Cloud

from seawall.app.cli import main
from seawall.app.failure import CommandFailed
from seawall.app.whereabouts import find_question

TASK, OTHER = "0123456789abcdef0123456789abcdef", "ffff456789abcdef0123456789abcdef"
ARN = f"arn:aws:ecs:us-east-1:1:task/c/{TASK}"
PUBLIC_NAME = "ec2-198-18-0-20.compute-1.amazonaws.com"


@pytest.fixture
def cloud() -> Cloud:
    cloud = Cloud(api__example="198.19.0.10")
    a = cloud.vpc("a", enable_dns_hostnames=True)
    subnet = cloud.subnet(a, "s", "10.0.0.0/24")
    cloud.group(a, "web", "tcp:80 0.0.0.0/0")
    cloud.table(a, "main", main=True, internet_gateway="igw-a")
    cloud.task(TASK, subnet, "10.0.0.20", "sg-a-web", public="198.18.0.20")
    cloud.task(OTHER, subnet, "10.0.0.21", "sg-a-web")
    return cloud


@pytest.mark.parametrize(
    ("source", "destination", "start", "addresses"),
    [
        ("internet", "198.18.0.20:80", None, ("203.0.113.10", "198.18.0.20")),
        (TASK[:6], "10.0.0.21:80", f"eni-{TASK}", ("10.0.0.20", "10.0.0.21")),
        (ARN, "internet:443", f"eni-{TASK}", ("10.0.0.20", "203.0.113.10")),
        ("198.18.0.20", "ffff45:80", f"eni-{TASK}", ("10.0.0.20", "10.0.0.21")),
        (f"eni-{TASK}", "ip-10-0-0-21.ec2.internal:80", f"eni-{TASK}", ("10.0.0.20", "10.0.0.21")),
        ("internet", f"{PUBLIC_NAME}:80", None, ("203.0.113.10", "198.18.0.20")),
        ("internet", f"eni-{TASK}:80", None, ("203.0.113.10", "198.18.0.20")),
        ("10.0.0.21", f"{PUBLIC_NAME}:80", f"eni-{OTHER}", ("10.0.0.21", "10.0.0.20")),
    ],
)  # fmt: skip
def test_ends_are_found(
    cloud: Cloud, source: str, destination: str, start: str | None, addresses: tuple[str, str]
) -> None:
    found = find_question(cloud.snapshot(), source, destination, "tcp")
    assert found.start == start
    assert (found.packet.source, found.packet.destination) == addresses


@pytest.mark.parametrize(
    ("source", "destination", "start", "addresses"),
    [
        ("lb/us-east-1a", "10.0.0.20:80", "eni-lb-0", ("10.0.0.30", "10.0.0.20")),
        (TASK[:6], "lb/us-east-1b:80", f"eni-{TASK}", ("10.0.0.20", "10.0.1.30")),
        ("internet", "lb/us-east-1b:80", None, ("203.0.113.10", "198.18.0.31")),
        ("internet", "lb-0.us-east-1.elb.amazonaws.com:80", None, ("203.0.113.10", "198.18.0.30")),
    ],
)
def test_nodes_of_load_balancers_are_called_by_name_and_zone(
    cloud: Cloud, source: str, destination: str, start: str | None, addresses: tuple[str, str]
) -> None:
    other = cloud.subnet("vpc-a", "t", "10.0.1.0/24", availability_zone="us-east-1b")
    places = (("subnet-a-s", "10.0.0.30"), (other, "10.0.1.30"))
    balancer(cloud, "lb", *places, public=("198.18.0.30", "198.18.0.31"))
    found = find_question(cloud.snapshot(), source, destination, "tcp")
    assert found.start == start
    assert found.packet.source == addresses[0]
    chosen = {addresses[1], "198.18.0.31"} if "amazonaws" in destination else {addresses[1]}
    assert found.packet.destination in chosen
    with pytest.raises(CommandFailed, match="may be any of eni-lb-0"):
        find_question(cloud.snapshot(), "lb", "10.0.0.20:80", "tcp")


@pytest.mark.parametrize(
    ("source", "destination", "words"),
    [
        ("nobody", "10.0.0.20:80", "no interface, task, load balancer or address"),
        ("internet", "198.18.0.20", "say the port too"),
        ("internet", "198.18.0.20:web", "web is no port number"),
        ("internet", "198.18.0.20:70000", "70000 is no port number"),
        ("internet", "198.18.0.20:0", "0 is no port number"),
        ("internet", ":80", "say whom, too"),
        (TASK, "127.0.0.1:80", "is the sender itself"),
        (TASK, "[::1]:80", "is the sender itself"),
        ("internet", "nowhere.example:80", "no such name"),
    ],
)
def test_what_cannot_be_made_out(cloud: Cloud, source: str, destination: str, words: str) -> None:
    with pytest.raises(CommandFailed, match=words):
        find_question(cloud.snapshot(), source, destination, "tcp")


def test_protocols_have_one_name_each(cloud: Cloud) -> None:
    for text, meant in {"6": "tcp", "icmp": "icmp", "1": "icmp", "47": "47"}.items():
        assert find_question(cloud.snapshot(), TASK, "10.0.0.21:80", text).packet.protocol == meant
    for text in ("foo", "256", "-1", "²"):
        with pytest.raises(CommandFailed, match="tcp, udp, icmp"):
            find_question(cloud.snapshot(), TASK, "10.0.0.21:80", text)


def test_a_task_that_the_internet_cannot_speak_to(cloud: Cloud) -> None:
    with pytest.raises(CommandFailed, match=r"10\.0\.0\.21\) has no public address") as failed:
        find_question(cloud.snapshot(), "internet", f"{OTHER}:80", "tcp")
    assert failed.value.status == 1


def test_explain_on_a_saved_model(cloud: Cloud, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "model.json"
    file.write_bytes(msgspec.json.encode(cloud.snapshot()))
    words = ["explain", "--model", str(file), "internet"]
    assert main([*words, "198.18.0.20:80"]) == 0
    assert "Let through by" in capsys.readouterr().out
    assert main(["explain", "--model", str(file), OTHER, f"{OTHER}:80"]) == 0
    assert "both ends are one interface" in capsys.readouterr().out
    assert main(["explain", "--model", str(file), TASK, "internet:443"]) == 0
    assert "Let through by sgr-a-web-out0, rtb-a-main (0.0.0.0/0)." in capsys.readouterr().out
    assert main([*words, "198.18.0.20:81"]) == 1
    said = capsys.readouterr().out
    assert "Cause: no ingress rule of sg-a-web allows tcp 203.0.113.10 -> 10.0.0.20 port 81" in said
    assert "aws ec2 authorize-security-group-ingress --group-id sg-a-web" in said
    assert main(["--output", "json", *words, "198.18.0.20:81"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["connects"], told["cause"]["code"]) == (False, "ENI_SG_RULES_MISMATCH")


def test_a_model_goes_through_json_unchanged(cloud: Cloud) -> None:
    snapshot = replace(cloud.snapshot(), uplink=True)
    assert msgspec.json.decode(msgspec.json.encode(snapshot), type=type(snapshot)) == snapshot
