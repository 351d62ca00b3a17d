"""The endpoints of two tasks, with packets that lie about who sent them."""

import asyncio
import json
import socket
import struct
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.packet.lab import Lab

from seawall.api.ecs.launch_limits import TASKS_PER_HOST
from seawall.compile.network.numbers import wish
from seawall.host.held_sockets import HeldSockets
from seawall.host.metadata.conversation import BURST, LONGEST_BODY
from seawall.host.metadata.endpoints import Endpoints
from seawall.host.metadata.readings import Readings
from seawall.host.namespace_http import NamespaceHttp
from seawall.program.host import HostProgram
from seawall.program.network import NetworkProgram
from seawall.program.report import ContainerReport, TaskReport
from seawall.program.task import (
    ContainerProgram,
    Credentials,
    ImageSource,
    RoleCredentials,
    TaskEndpoint,
    TaskProgram,
)

pytestmark = pytest.mark.world
ADDRESS = "169.254.170.2"
PATIENCE_S = 10


def program_of(name: str) -> TaskProgram:
    key = Credentials(access_key_id=f"ASIA{name}", secret_access_key=name, session_token=name)
    return TaskProgram(
        id=name,
        namespace=f"task-{name}",
        hostname=name,
        hosts="",
        resolv_conf="",
        cpu_quota=1,
        memory_bytes=1 << 28,
        role=RoleCredentials(
            id="same", role_arn=f"role-{name}", credentials=key, expiration="2026-01-01T00:00:00Z"
        ),
        endpoint=TaskEndpoint(namespace="fargate", address=ADDRESS),
        metadata=json.dumps(
            {"Task": {"TaskARN": name}, "TaskTags": {"k": "v"}, "StorageReserved": 1, "Containers": {}}
        ).encode(),
        containers=(ContainerProgram(name="c", runtime_id="same", image=ImageSource(reference="i")),),
    )


def report_of(name: str) -> TaskReport:
    return TaskReport(id=name, containers=(ContainerReport(name="c", runtime_id="same", state="created"),))


class Served:
    def __init__(self, lab: Lab, network: NetworkProgram, *names: str) -> None:
        self.lab = lab
        no_groups: Any = SimpleNamespace(version=1, folder=lambda *_: None)
        readings = Readings(no_groups, lab.namespaces)
        http = NamespaceHttp(lab.namespaces, None)
        held = HeldSockets(lab.run_dir / "held.sock")
        self.endpoints = Endpoints(lab.namespaces, readings, Path("/nowhere"), report_of, http, held)
        self.follow(network, *names)

    def follow(self, network: NetworkProgram, *names: str) -> None:
        program = HostProgram(revision=1, network=network, tasks=tuple(map(program_of, names)))
        assert self.lab.run(self.endpoints.follow(program)) == ()

    def ask(
        self, task: str, path: str, times: int = 1, method: str = "GET", body: str = ""
    ) -> list[tuple[int, Any]]:
        head = f"{method} {path} HTTP/1.1\r\nHost: me\r\nContent-Length: {len(body)}\r\n\r\n"

        async def talk() -> list[tuple[int, Any]]:
            with self.lab.namespaces.socket_in(f"task-{task}") as sock:
                sock.setblocking(False)
                await asyncio.wait_for(
                    asyncio.get_running_loop().sock_connect(sock, (ADDRESS, 80)), PATIENCE_S
                )
                reader, writer = await asyncio.open_connection(sock=sock.dup())
                answers = []
                try:
                    for number in range(1, times + 1):
                        for part in (head, body):  # in two packets
                            writer.write(part.encode())
                            await writer.drain()
                        if number == times:  # it hears the answer nevertheless
                            writer.write_eof()
                        told = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE_S)).decode()
                        length = int(told.lower().partition("content-length: ")[2].split()[0])
                        said = await reader.readexactly(length)
                        answers.append(
                            (int(told.split()[1]), json.loads(said) if b"{" in said or b'"' in said else said)
                        )
                finally:
                    writer.close()
                    await asyncio.gather(writer.wait_closed(), return_exceptions=True)
                return answers

        return list(self.lab.run(talk()))


@pytest.fixture
def served(lab: Lab) -> Any:
    cloud = lab.cloud
    vpc = cloud.vpc("a", "10.0.0.0/16")
    subnet = cloud.subnet(vpc, "one", "10.0.1.0/24")
    group = cloud.group(vpc, "all", "-1 0.0.0.0/0")
    for number, name in enumerate(("t1", "t2"), 20):
        cloud.task(name, subnet, f"10.0.1.{number}", group)
    made = Served(lab, lab.settle(), "t1", "t2")
    yield made
    made.endpoints.close()


def test_each_is_told_of_itself_by_the_same_words(served: Served) -> None:
    for name in ("t1", "t2"):
        ((status, task),) = served.ask(name, "/v4/same/taskWithTags")
        assert (status, task["TaskARN"], task["TaskTags"]) == (200, name, {"k": "v"})
        ((status, found),) = served.ask(name, "/v2/credentials/same")
        assert (status, found["RoleArn"], found["AccessKeyId"]) == (200, f"role-{name}", f"ASIA{name}")


def test_one_whose_address_moves_when_another_leaves_keeps_its_endpoint(lab: Lab) -> None:
    """Both wish for one link-local address, and the elder has it."""
    wishes: dict[int, str] = {}
    for number in range(TASKS_PER_HOST + 1):
        name = f"t{number:04}"
        elder = wishes.setdefault(wish(f"eni-{name}") % TASKS_PER_HOST, name)
        if elder != name:
            break
    vpc = lab.cloud.vpc("a", "10.0.0.0/16")
    subnet = lab.cloud.subnet(vpc, "one", "10.0.1.0/24")
    for number, each in enumerate((elder, name), 20):
        lab.cloud.task(each, subnet, f"10.0.1.{number}")
    served = Served(lab, lab.settle(), elder, name)
    try:
        before = local_address(lab, name)
        lab.cloud.drop(f"eni-{elder}")
        served.follow(lab.settle(), name)
        assert local_address(lab, name) != before
        ((status, task),) = served.ask(name, "/v4/same/task")
        assert (status, task["TaskARN"]) == (200, name)
    finally:
        served.endpoints.close()


def local_address(lab: Lab, task: str) -> str:
    with lab.namespaces.socket_in(f"task-{task}", type=socket.SOCK_DGRAM) as sock:
        sock.connect((ADDRESS, 80))
        return str(sock.getsockname()[0])


def test_errors_read_as_the_agents(served: Served) -> None:
    assert served.ask("t1", "/v4/other") == [
        (
            404,
            "V4 container metadata handler: unable to get container ID from request:"
            " unable to get docker ID from v3 endpoint ID: other",
        )
    ]
    assert served.ask("t1", "/v2/credentials/other") == [
        (
            400,
            {
                "code": "InvalidIdInRequest",
                "message": "CredentialsV2Request: Credentials not found",
                "HTTPErrorCode": 400,
            },
        )
    ]
    assert served.ask("t1", "/v2/credentials/")[0][1]["code"] == "NoIdInRequest"
    assert served.ask("t1", "/v4/same/stats")[0][0] == 500  # it does not run
    assert served.ask("t1", "/nothing")[0][0] == 404


def test_a_question_may_have_a_body(served: Served) -> None:
    """Two on one connection; the network of this task leads to no ECS."""
    path = "/api/same/task-protection/v1/state"
    for status, said in served.ask("t1", path, 2, "PUT", '{"Other": 1}'):
        assert (status, said["error"]["Message"]) == (400, "UpdateTaskProtection: failed to decode request")
    ((status, said),) = served.ask("t1", path, 1, "PUT", '{"ExpiresInMinutes": 1}')
    assert (status, said["error"]["Arn"]) == (400, "t1")
    assert served.ask("t1", "/api/other/task-protection/v1/state")[0][0] == 404
    assert served.ask("t1", path, 1, "POST", "{}") == [(405, b"")]
    assert served.ask("t1", "/v4/same", 1, "PUT", "{}") == [(405, b"")]
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        served.ask("t1", path, 1, "PUT", "x" * (LONGEST_BODY + 1))


def test_too_many_requests_of_one_are_not_the_others(served: Served) -> None:
    statuses = [status for status, _ in served.ask("t1", "/v4/same", times=int(BURST) + 30)]
    assert statuses[: int(BURST)] == [200] * int(BURST)
    assert 429 in statuses
    assert served.ask("t2", "/v4/same")[0][0] == 200


def test_a_forged_address_reaches_nobody(served: Served) -> None:
    """t1 sends SYNs in t2's name, whole frames of its own making, and hears nothing; nor does t2."""
    lab = served.lab
    network = lab.settle()
    local = {link.host.namespace: link for link in network.links if link.router.namespace == "fargate"}
    mine, theirs = local["task-t1"], local["task-t2"]
    own, victim = (link.host.addresses[0].partition("/")[0] for link in (mine, theirs))
    ears = []
    for name in ("t1", "t2"):
        with lab.namespaces.inside(f"task-{name}"):
            ear = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        ear.bind(("eth0", 3))
        ear.settimeout(0.3)
        ears.append(ear)
    try:
        frames = [syn(mine.router.mac, mine.host.mac, source, 40000) for source in (victim, own)]
        ears[0].send(frames[0])
        assert answers(ears[0]) == 0
        assert answers(ears[1]) == 0
        ears[0].send(frames[1])
        assert answers(ears[0]) > 0  # the same in its own name is answered
        assert answers(ears[1]) == 0
    finally:
        for ear in ears:
            ear.close()


def test_a_task_that_left_is_served_no_more(served: Served) -> None:
    network = served.lab.settle()
    served.follow(network, "t2")
    with pytest.raises((ConnectionError, asyncio.TimeoutError)):
        served.ask("t1", "/v4/same")
    assert served.ask("t2", "/v4/same")[0][0] == 200
    served.follow(network, "t1", "t2")
    assert served.ask("t1", "/v4/same")[0][0] == 200


def answers(ear: socket.socket) -> int:
    """SYN-ACKs from the endpoint that come in."""
    count = 0
    try:
        while True:
            frame, address = ear.recvfrom(2048)
            if address[2] != socket.PACKET_OUTGOING and frame[26:30] == socket.inet_aton(ADDRESS):
                count += frame[14 + 20 + 13] & 0x12 == 0x12
    except TimeoutError:
        return count


def syn(to_mac: str, from_mac: str, source: str, port: int) -> bytes:
    ends = socket.inet_aton(source) + socket.inet_aton(ADDRESS)
    tcp = struct.pack(">HHIIBBHHH", port, 80, 1, 0, 5 << 4, 2, 65535, 0, 0)
    tcp = tcp[:16] + struct.pack(">H", checksum(ends + struct.pack(">BBH", 0, 6, len(tcp)) + tcp)) + tcp[18:]
    ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(tcp), 1, 0, 64, 6, 0) + ends
    ip = ip[:10] + struct.pack(">H", checksum(ip)) + ip[12:]
    macs = bytes.fromhex(to_mac.replace(":", "") + from_mac.replace(":", ""))
    return macs + b"\x08\x00" + ip + tcp


def checksum(data: bytes) -> int:
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
