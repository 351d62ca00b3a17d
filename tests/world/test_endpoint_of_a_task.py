"""A real container asks its endpoint under a real agent, and under the one after it."""

import asyncio
import json
from typing import Any

import pytest
from msgspec.structs import replace
from tests.world.agent_lab import NETWORK, AgentLab, agent_lab, container, task

from seawall.app.exec_call import Heard, dial
from seawall.app.failure import CommandFailed
from seawall.program.exec import Ended, Output, Refused, Start
from seawall.program.network import Link, LinkEnd, Namespace, Neighbour, Route
from seawall.program.task import Credentials, RoleCredentials, TaskEndpoint, TaskProgram

pytestmark = pytest.mark.world

ADDRESS = "169.254.170.2"
_FAR, _NEAR = "02:00:00:00:01:01", "02:00:00:00:01:02"
_END = Namespace(
    name="ends",
    addresses=(f"{ADDRESS}/32", "169.254.172.1/32"),
    routes=(Route(destination="169.254.172.5/32", device="t1"),),
)
_LINK = Link(
    origin="lab",
    mtu=1500,
    router=LinkEnd(
        namespace="ends",
        name="t1",
        ifindex=100_011,
        mac=_FAR,
        neighbours=(Neighbour(address="169.254.172.5", mac=_NEAR),),
    ),
    host=LinkEnd(
        namespace="task-t",
        name="eth0",
        ifindex=100_012,
        mac=_NEAR,
        addresses=("169.254.172.5/22",),
        neighbours=(Neighbour(address="169.254.172.1", mac=_FAR),),
    ),
)
_ROUTE = Route(destination=f"{ADDRESS}/32", device="eth0", via="169.254.172.1")
WITH_ENDS = replace(
    NETWORK,
    namespaces=(
        *(replace(n, routes=(_ROUTE,)) if n.name == "task-t" else n for n in NETWORK.namespaces),
        _END,
    ),
    links=(*NETWORK.links, _LINK),
)


def program(key: str) -> TaskProgram:
    known = {"Task": {"TaskARN": "arn"}, "TaskTags": {}, "StorageReserved": 20496, "Containers": {}}
    credentials = Credentials(access_key_id=key, secret_access_key="s", session_token="t")
    return replace(
        task(container("app", "trap 'exit 0' TERM; echo up; while :; do sleep 1 & wait $!; done")),
        role=RoleCredentials(
            id="c", role_arn="r", credentials=credentials, expiration="2026-01-01T00:00:00Z"
        ),
        endpoint=TaskEndpoint(namespace="ends", address=ADDRESS),
        metadata=json.dumps(known).encode(),
    )


async def asked(lab: AgentLab, path: str) -> Any:
    """What a program in the container is told; None while the agent is only just there."""
    start = Start(
        task="t", container="app", command=("/bin/sh", "-c", f"wget -qO- http://{ADDRESS}{path} || exit 9")
    )
    heard, said = Heard(), b""
    with dial(lab.state_dir, start) as connection:
        connection.setblocking(False)
        while data := await asyncio.get_running_loop().sock_recv(connection, 65536):
            for message in heard.messages(data):
                if isinstance(message, Output) and message.stream == 1:
                    said += message.data
                elif isinstance(message, Refused) or (isinstance(message, Ended) and message.status):
                    return None
                elif isinstance(message, Ended):
                    return json.loads(said)
    return None


async def asked_of_the_new(lab: AgentLab, path: str) -> Any:
    """None also while there is no agent yet."""
    try:
        return await asked(lab, path)
    except CommandFailed:
        await asyncio.sleep(0)
        return None


def test_it_answers_whoever_lives_above() -> None:
    async def test() -> None:
        async with agent_lab() as lab:
            lab.apply(program("ASIA1"), network=WITH_ENDS)
            await lab.until_state("app", "running")
            shown = await asked(lab, "/v4/t-app/task")
            assert (shown["TaskARN"], shown["KnownStatus"]) == ("arn", "RUNNING")
            assert shown["EphemeralStorageMetrics"]["Reserved"] == 20496
            stats = await asked(lab, "/v4/t-app/stats")
            assert stats["networks"].keys() == {"eth1"}
            assert stats["memory_stats"] == {} or stats["memory_stats"]["limit"] == 256 << 20
            assert (await asked(lab, "/v2/credentials/c"))["AccessKeyId"] == "ASIA1"
            lab.apply(program("ASIA2"), network=WITH_ENDS)
            while (await asked(lab, "/v2/credentials/c"))["AccessKeyId"] != "ASIA2":
                pass
            await lab.kill_agent()
            await lab.start_agent()
            while (again := await asked_of_the_new(lab, "/v2/credentials/c")) is None:
                pass
            assert again["AccessKeyId"] == "ASIA2"

    asyncio.run(asyncio.wait_for(test(), 100))
