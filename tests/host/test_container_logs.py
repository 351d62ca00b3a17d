"""The last output of a container whose agent was killed between its exit and the end of its log."""

import asyncio
from pathlib import Path
from typing import Any, cast

import msgspec
from tests.host.test_awslogs_shipping import LINE, Service, logs
from tests.host.tls_server import https_server

from seawall.host.container import Container
from seawall.host.container_record import Record
from seawall.host.host import Host
from seawall.host.namespace_http import NamespaceHttp
from seawall.host.namespaces import Namespaces
from seawall.host.volumes import Volumes
from seawall.program.report import ContainerReport, ContainerState
from seawall.program.task import ContainerProgram, ImageSource, TaskProgram


def container(tmp_path: Path, ca: Path, endpoint: str) -> Container:
    namespaces = Namespaces(tmp_path / "run")
    nothing = cast(Any, None)  # an ended container needs no runtime and no group
    host = Host(
        namespaces=namespaces,
        http=NamespaceHttp(namespaces, ca),
        images=nothing,
        conmon=nothing,
        cgroups=nothing,
        seccomp_profile={},
        stage=tmp_path / "stage",
        upstream=nothing,
        filters={},
        init=None,
    )
    program = ContainerProgram(
        name="app", runtime_id="t-app", image=ImageSource(reference="app"), logs=logs(endpoint)
    )
    task = TaskProgram(
        id="t",
        namespace=cast(str, None),  # the test's own
        hostname="h",
        hosts="",
        resolv_conf="",
        cpu_quota=1,
        memory_bytes=1,
        containers=(program,),
    )
    volumes = Volumes(tmp_path / "volumes", tmp_path / "place")
    return Container(host, task, program, tmp_path / "app", volumes, None, lambda: None)


def leave(folder: Path, text: str, sent: int, state: ContainerState = "exited") -> None:
    folder.mkdir()
    report = ContainerReport(name="app", runtime_id="t-app", state=state, exit_code=0, output_pending=True)
    (folder / "state.json").write_bytes(msgspec.json.encode(Record(report=report)))
    (folder / "output.log").write_text(text)
    (folder / "output.log.sent").write_text(str(sent))


def run(tmp_path: Path, body: Any) -> None:
    async def main() -> None:
        service = Service()
        async with https_server(tmp_path, service.handle) as (host, ca):
            await body(service, lambda: container(tmp_path, ca, host))

    asyncio.run(main())


def test_the_rest_is_sent_by_the_next_agent(tmp_path: Path) -> None:
    first, rest = LINE.format("taken"), LINE.format("last words")

    async def body(service: Service, make: Any) -> None:
        leave(tmp_path / "app", first + rest, len(first))
        found = make()
        await found.adopt()
        assert found.report.output_pending
        await found.finish_logs()
        assert service.sent == ["last words"]
        assert not found.report.output_pending
        assert not make().report.output_pending  # for good: it was written down

    run(tmp_path, body)


def test_nothing_pends_where_all_was_sent(tmp_path: Path) -> None:
    async def body(service: Service, make: Any) -> None:
        leave(tmp_path / "app", LINE.format("taken"), len(LINE.format("taken")))
        found = make()
        await found.adopt()
        assert not found.report.output_pending
        assert service.operations == []

    run(tmp_path, body)
