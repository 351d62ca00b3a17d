"""What is said to a request of a task: by its path, out of this one task alone.

Source: the ECS agent's task metadata server, whose texts these are; developer guide, "Task metadata endpoint"
and "Task IAM role".
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from seawall.host.long_work import at_leisure
from seawall.host.metadata.answer import NOT_FOUND, WRONG_METHOD, Answer, Question
from seawall.host.metadata.description import Known, Version, describe_container, describe_task, moment
from seawall.host.metadata.protection import PATH as PROTECTION
from seawall.host.metadata.protection import protection
from seawall.host.metadata.readings import Readings, clock_error
from seawall.host.metadata.statistics import Marks, Reading, container_stats, mark_of
from seawall.host.namespace_http import NamespaceHttp
from seawall.host.storage import used_bytes
from seawall.program.report import TaskReport
from seawall.program.task import ContainerProgram, TaskProgram

CREDENTIALS = "/v2/credentials"
STORAGE_AGE_S = 30.0  # counting what a task has stored takes a while
MIB = 1024 * 1024
_VERSIONS: dict[str, Version] = {"v3": 3, "v4": 4}


class Answers:
    """One task's.  `program` is replaced when it changes; `report` tells the newest facts."""

    def __init__(
        self,
        program: TaskProgram,
        report: Callable[[], TaskReport],
        readings: Readings,
        folder: Path,
        http: NamespaceHttp,
    ) -> None:
        self.program = program
        self._report = report
        self._readings = readings
        self._folder = folder
        self._http = http
        self._marks: dict[str, Marks] = {}
        self._stored: tuple[float, int] | None = None

    async def answer(self, question: Question) -> Answer:
        path = question.path.partition("?")[0]
        area, _, rest = path.lstrip("/").partition("/")
        id, _, what = rest.partition("/")
        if area == "api" and id and what == PROTECTION:
            if question.method not in ("GET", "PUT"):
                return WRONG_METHOD
            return await protection(self._http, self.program, id, question.method, question.body)
        if question.method not in ("GET", "HEAD"):
            return WRONG_METHOD
        if path == CREDENTIALS or path.startswith(f"{CREDENTIALS}/"):
            return self._credentials(path[len(CREDENTIALS) + 1 :])
        if area not in _VERSIONS or not id:
            return NOT_FOUND
        return await self._metadata(_VERSIONS[area], id, what.rstrip("/"))

    def compare_from_now(self, report: TaskReport) -> None:
        """Begin with the statistics of containers that run now, so that the first answer has rates."""
        for container in report.containers:
            if container.state == "running" and container.runtime_id not in self._marks:
                reading = self._read(container.runtime_id)
                if reading is not None:
                    self._marks[container.runtime_id] = Marks(mark_of(reading))

    async def _metadata(self, version: Version, id: str, what: str) -> Answer:
        container = next((c for c in self.program.containers if c.runtime_id == id), None)
        of_task = what.startswith("task")
        kind = f"{'task' if of_task else 'container'} {'stats' if what.endswith('stats') else 'metadata'}"
        if what not in ("", "task", "taskWithTags", "stats", "task/stats"):
            return NOT_FOUND
        if container is None:
            wanted = (
                "unable to get task arn from request: unable to get task Arn from v3 endpoint ID"
                if of_task or what == "stats"
                else "unable to get container ID from request: unable to get docker ID from v3 endpoint ID"
            )
            return Answer(404, msgspec.json.encode(f"V{version} {kind} handler: {wanted}: {id}"))
        if what == "stats":
            return self._container_stats(container, version)
        if what == "task/stats":
            return _ok({c.runtime_id: self._stats(c, version) for c in self.program.containers})
        known = msgspec.json.decode(self.program.metadata)
        report = self._report()
        if what == "":
            found = next((r for r in report.containers if r.name == container.name), None)
            if found is None:
                return Answer(500, msgspec.json.encode(f"unable to generate metadata for container '{id}'"))
            return _ok(describe_container(known, container, found, version))
        shown = describe_task(known, self.program, report, version, with_tags=what == "taskWithTags")
        if version == 4:
            shown |= await self._measured(known)
        return _ok(shown)

    async def _measured(self, known: Known) -> dict[str, Any]:
        if self._stored is None or time.monotonic() - self._stored[0] > STORAGE_AGE_S:
            stored = await at_leisure(used_bytes, [self._folder])
            self._stored = (time.monotonic(), stored)
        error_ms, synchronized = clock_error()
        return {
            "ClockDrift": {
                "ClockErrorBound": error_ms,
                "ReferenceTimestamp": moment(int(time.time())),
                "ClockSynchronizationStatus": "SYNCHRONIZED" if synchronized else "NOT_SYNCHRONIZED",
            },
            "EphemeralStorageMetrics": {
                "Utilized": self._stored[1] // MIB,
                "Reserved": known["StorageReserved"],
            },
        }

    def _container_stats(self, container: ContainerProgram, version: Version) -> Answer:
        stats = self._stats(container, version)
        if stats is None:
            text = f"Unable to get container stats for: {container.runtime_id}"
            return Answer(500, msgspec.json.encode(text))
        return _ok(stats)

    def _stats(self, container: ContainerProgram, version: Version) -> dict[str, Any] | None:
        """None while it does not run."""
        reports = self._report().containers
        if all(r.state != "running" for r in reports if r.name == container.name):
            return None
        id = container.runtime_id
        reading = self._read(id)
        if reading is None:
            return None
        before = self._marks.setdefault(id, Marks()).before(reading)
        return container_stats(id, container.name, reading, before, rates=version == 4)

    def _read(self, id: str) -> Reading | None:
        """None when its network is gone already."""
        endpoint = self.program.endpoint
        devices = (endpoint.counted,) if endpoint else ()
        try:
            return self._readings.read(self.program.id, id, self.program.namespace, devices)
        except OSError:
            return None

    def _credentials(self, id: str) -> Answer:
        role = self.program.role
        if not id:
            return _refused("NoIdInRequest", "No Credential ID in the request")
        if role is None or role.id != id:
            return _refused("InvalidIdInRequest", "Credentials not found")
        return _ok(
            {
                "RoleArn": role.role_arn,
                "AccessKeyId": role.credentials.access_key_id,
                "SecretAccessKey": role.credentials.secret_access_key,
                "Token": role.credentials.session_token,
                "Expiration": role.expiration,
            }
        )


def _ok(value: Any) -> Answer:
    return Answer(200, msgspec.json.encode(value))


def _refused(code: str, text: str) -> Answer:
    said = {"code": code, "message": f"CredentialsV2Request: {text}", "HTTPErrorCode": 400}
    return Answer(400, msgspec.json.encode(said))
