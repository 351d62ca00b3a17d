"""A pull that only a task's own namespace can do: its registry, and the name of it, exist nowhere else."""

import asyncio
import contextlib
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest
from tests.host.test_images_pull import LOGIN, Registry
from tests.host.tls_server import https_server

from seawall.host.failure import FailedStep
from seawall.host.images import Images
from seawall.host.namespace_http import NamespaceHttp
from seawall.host.namespaces import Namespaces, task_id_map
from seawall.program.task import ImageSource

pytestmark = pytest.mark.world
TASK, OTHER = "task-pull", "task-other"


@pytest.fixture
def namespaces(tmp_path: Path) -> Iterator[Namespaces]:
    made = Namespaces(tmp_path / "run")
    for name in (TASK, OTHER):
        made.create(name, task_id_map())
        subprocess.run(["nsenter", f"--net={made.path(name)}", "ip", "link", "set", "lo", "up"], check=True)
    try:
        yield made
    finally:
        for name in (TASK, OTHER):
            made.remove(name)
        made.close()


class Names(asyncio.DatagramProtocol):
    """registry.test is 127.0.0.1."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        answer = dns.message.make_response(query)
        question = query.question[0]
        if str(question.name) != "registry.test.":
            answer.set_rcode(dns.rcode.NXDOMAIN)
        elif question.rdtype == dns.rdatatype.A:
            answer.answer.append(dns.rrset.from_text("registry.test.", 60, "IN", "A", "127.0.0.1"))
        self.transport.sendto(answer.to_wire(), addr)  # type: ignore[attr-defined]


def bound(namespaces: Namespaces, kind: socket.SocketKind, port: int) -> socket.socket:
    made = namespaces.socket_in(TASK, socket.AF_INET, kind)
    made.bind(("127.0.0.1", port))
    made.setblocking(False)
    return made


def test_names_manifests_and_layers_come_through_the_tasks_namespace(
    tmp_path: Path, namespaces: Namespaces
) -> None:
    async def run() -> None:
        registry = Registry()
        names, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            Names, sock=bound(namespaces, socket.SOCK_DGRAM, 53)
        )
        with contextlib.closing(names):
            async with https_server(
                tmp_path, registry.handle, bound(namespaces, socket.SOCK_STREAM, 443)
            ) as (_, ca):
                images = Images(tmp_path / "images", namespaces, NamespaceHttp(namespaces, ca), ca)
                source = ImageSource(reference="registry.test/app:multi")
                resolv_conf = "nameserver 127.0.0.1\n"
                with pytest.raises(FailedStep) as failed:
                    await images.pull(OTHER, ("127.0.0.1",), resolv_conf, source, LOGIN)
                assert failed.value.failure.cause == "dns"
                image = await images.pull(TASK, ("127.0.0.1",), resolv_conf, source, LOGIN)
                assert (image.layers[0] / "base").read_bytes() == b"shared"
                assert (image.layers[0] / "base").stat().st_uid == task_id_map().first
                assert registry.blobs_taken() == 3

    asyncio.run(run())
