"""From AuthorizeSecurityGroupIngress answering to the first packet passing, beside a thousand interfaces."""

import contextlib
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Network
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from bench.place import Place
from bench.record import Result, Sample, compare, sample
from bench.seawall_side import SeawallSide
from seawall.model.network_interface import NetworkInterface
from seawall.model.resource import Ref
from seawall.model.subnet import Subnet

MANY = 1000
RULES = 60
FIRST_PORT = 20_000
PROGRAM = Path(__file__).with_name("first_packet.py")


def rule_in_force(seawall: SeawallSide) -> list[Result]:
    """Milliseconds as a client of the API sees them; an answer that came after the packet counts as 0."""
    tasks = seawall.run_tasks(2)
    seawall.await_running(*tasks)
    few = _times(seawall, tasks)
    _crowd(seawall, tasks[0])
    many = _times(seawall, tasks)
    seawall.stop(*tasks)
    return [
        compare(
            f"rule in force, API to packet, {MANY} interfaces", "ms", many, few,
            against="2 interfaces", p99_at_most=20,
        )
    ]  # fmt: skip


def _times(seawall: SeawallSide, tasks: list[str]) -> Sample:
    ec2 = seawall.clients.ec2
    groups = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": ["default"]}])
    group = groups["SecurityGroups"][0]["GroupId"]
    client, server = (seawall.place(task) for task in tasks)
    # Members of one default group reach each other by its own rule: that goes, for as long as this lasts.
    own: Any = [{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group}]}]
    ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=own)
    found = []
    with (
        _running(server, "receive", server.address) as receiver,
        _running(client, "send", server.address) as sender,
    ):
        for number in range(RULES):
            found.append(_once(ec2, group, FIRST_PORT + number, sender, receiver))
            _settled(seawall)  # what the rule's end costs is another matter
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=own)
    return sample(found, more_is_better=False)


def _once(
    ec2: Any, group: str, port: int, sender: "subprocess.Popen[str]", receiver: "subprocess.Popen[str]"
) -> float:
    for process in (receiver, sender):
        assert process.stdin
        process.stdin.write(f"{port}\n")
        process.stdin.flush()
    assert receiver.stdout
    if receiver.stdout.readline().strip() != "ready":
        raise RuntimeError("the receiver did not begin")
    rule = {"GroupId": group, "IpProtocol": "udp", "FromPort": port, "ToPort": port, "CidrIp": "0.0.0.0/0"}
    ec2.authorize_security_group_ingress(**rule)
    answered = time.monotonic()
    came = float(receiver.stdout.readline())
    ec2.revoke_security_group_ingress(**rule)
    return max(0.0, came - answered) * 1000


@contextmanager
def _running(place: Place, *words: str) -> Iterator["subprocess.Popen[str]"]:
    command = [*place.enter, sys.executable, str(PROGRAM), *words]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def _crowd(seawall: SeawallSide, task: str) -> None:
    """Fill the store with interfaces like those of tasks: links and namespaces, but no containers.

    Past the control plane, which holds the store: there is no call that makes such interfaces.
    """
    with contextlib.closing(sqlite3.connect(seawall.instance.state_dir / "state.db")) as db:
        bodies = db.execute("SELECT body FROM document WHERE kind = 'network_interface'").fetchall()
        standing = [msgspec.json.decode(body, type=NetworkInterface) for (body,) in bodies]
        like = next(i for i in standing if i.owner == Ref("task", task.rpartition("/")[2]))
        taken = {i.private_ip_address for i in standing}
        (body,) = db.execute(
            "SELECT body FROM document WHERE kind = 'subnet' AND id = ?", (like.subnet_id,)
        ).fetchone()
        block = IPv4Network(msgspec.json.decode(body, type=Subnet).cidr_block)
        addresses = [str(a) for a in islice(block.hosts(), MANY + 10) if str(a) not in taken][4:]
        with db:
            for number, address in enumerate(addresses[: MANY - 2]):
                _insert(db, _another(like, number, address))
    # Any change wakes the loops; then the host has all of it.
    seawall.clients.ec2.create_tags(Resources=[like.subnet_id], Tags=[{"Key": "bench", "Value": "crowd"}])
    _settled(seawall)


def _settled(seawall: SeawallSide) -> None:
    """Return once the host has in force all that the API was told."""
    with urllib.request.urlopen(f"{seawall.running.url}/_seawall/settled", timeout=120) as answer:
        answer.read()


def _another(like: NetworkInterface, number: int, address: str) -> NetworkInterface:
    return replace(
        like,
        id=f"eni-{number:017x}",
        private_ip_address=address,
        mac_address=f"0a:bb:00:00:{number >> 8:02x}:{number & 255:02x}",
        association=None,
        owner=Ref("task", f"{number:032x}"),
    )


def _insert(db: sqlite3.Connection, interface: NetworkInterface) -> None:
    db.execute("INSERT INTO document VALUES (?, ?, 1, ?)", (*interface.ref, msgspec.json.encode(interface)))
    db.executemany(
        "INSERT OR IGNORE INTO reference VALUES (?, ?, ?, ?)",
        [(*interface.ref, *ref) for ref in interface.refs()],
    )
    db.execute("INSERT INTO change (kind, id, generation) VALUES (?, ?, 1)", interface.ref)
