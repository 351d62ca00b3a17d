"""Secrets, parameters and environment files, as asked for over HTTP and read."""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from seawall.host.environment_files import fetch_environment, read_variables
from seawall.host.failure import FailedStep
from seawall.host.namespace_http import HttpAnswer, NamespaceHttp, RequestFailed
from seawall.host.secrets import Secrets
from seawall.program.report import Failure
from seawall.program.task import Credentials, ObjectSource, SecretSource

KEYS = Credentials(access_key_id="ASIA", secret_access_key="s", session_token="t")


class Recorded(NamespaceHttp):
    """Answers as it is told, and remembers what it was asked."""

    def __init__(self, answer: Callable[[str, dict[str, Any]], HttpAnswer]) -> None:
        self.asked: list[tuple[str, dict[str, Any], dict[str, str]]] = []
        self._answer = answer

    async def request(  # type: ignore[override]
        self,
        namespace: str | None,
        nameservers: Sequence[str],
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes = b"",
    ) -> HttpAnswer:
        members = json.loads(body) if body else {}
        self.asked.append((url, members, dict(headers)))
        return self._answer(url, members)


def secret(id: str = "arn:s", **more: str) -> SecretSource:
    where = "secretsmanager.us-east-1.amazonaws.com"
    return SecretSource(
        service="secretsmanager", endpoint=where, region="us-east-1", id=id, credentials=KEYS, **more
    )


def parameter(id: str) -> SecretSource:
    return SecretSource(
        service="ssm", endpoint="ssm.us-east-1.amazonaws.com", region="us-east-1", id=id, credentials=KEYS
    )


def said(**members: Any) -> HttpAnswer:
    return HttpAnswer(200, {}, json.dumps(members).encode())


def fetch(http: NamespaceHttp, *sources: SecretSource) -> list[str]:
    found = asyncio.run(Secrets(http, "task", ["10.0.0.2"]).fetch(sources))
    return [found[source] for source in sources]


def failure(work: Callable[[], Any]) -> Failure:
    with pytest.raises(FailedStep) as caught:
        work()
    return caught.value.failure


def test_members_of_one_secret_are_asked_for_once() -> None:
    http = Recorded(lambda url, members: said(SecretString='{"user": "me", "port": 5432}'))
    assert fetch(http, secret(json_key="user"), secret(json_key="port"), secret()) == [
        "me",
        "5432",
        '{"user": "me", "port": 5432}',
    ]
    ((url, members, headers),) = http.asked
    assert url == "https://secretsmanager.us-east-1.amazonaws.com/"
    assert members == {"SecretId": "arn:s"}
    assert headers["X-Amz-Target"] == "secretsmanager.GetSecretValue"
    assert headers["X-Amz-Security-Token"] == "t"


def test_versions_are_asked_for_by_stage_and_id() -> None:
    http = Recorded(lambda url, members: said(SecretString=members["VersionStage"]))
    assert fetch(http, secret(version_stage="A", version_id="1"), secret(version_stage="B")) == ["A", "B"]


def test_parameters_come_ten_at_a_time_decrypted() -> None:
    http = Recorded(
        lambda url, members: said(Parameters=[{"Name": n, "Value": n.upper()} for n in members["Names"]])
    )
    names = [f"/p{number}" for number in range(12)]
    assert fetch(http, *map(parameter, names)) == [name.upper() for name in names]
    assert [len(members["Names"]) for _, members, _ in http.asked] == [10, 2]
    assert all(members["WithDecryption"] for _, members, _ in http.asked)


def test_a_parameter_by_arn_and_by_version() -> None:
    told = {"Name": "/p", "ARN": "arn:aws:ssm:r:1:parameter/p", "Value": "v", "Selector": ":3"}
    http = Recorded(lambda url, members: said(Parameters=[told]))
    assert fetch(http, parameter("arn:aws:ssm:r:1:parameter/p:3")) == ["v"]


def test_a_missing_secret_in_the_agents_words() -> None:
    body = {"__type": "ResourceNotFoundException", "Message": "Secrets Manager can't find it."}
    http = Recorded(lambda url, members: HttpAnswer(400, {}, json.dumps(body).encode()))
    found = failure(lambda: fetch(http, secret()))
    assert (found.step, found.cause, found.attempts) == ("secrets", "not_found", 1)
    assert found.text == (
        "failed to fetch secret arn:s from secrets manager: ResourceNotFoundException: Secrets Manager can't"
        " find it."
    )


def test_missing_parameters_and_members() -> None:
    http = Recorded(lambda url, members: said(Parameters=[], InvalidParameters=members["Names"]))
    assert failure(lambda: fetch(http, parameter("/a"))).text == "invalid ssm parameters: /a"
    text = Recorded(lambda url, members: said(SecretString="plain"))
    assert failure(lambda: fetch(text, secret(json_key="k"))).text == (
        "invalid character 'p' looking for beginning of value"
    )
    other = Recorded(lambda url, members: said(SecretString="{}"))
    assert failure(lambda: fetch(other, secret(json_key="k"))).text == (
        "retrieved secret from Secrets Manager did not contain json key k"
    )


def test_a_silent_network_is_tried_again() -> None:
    def silent(url: str, members: dict[str, Any]) -> HttpAnswer:
        raise RequestFailed("timeout", url, "dial tcp 10.0.0.9:443: i/o timeout", "10.0.0.9:443")

    http = Recorded(silent)
    found = failure(lambda: fetch(http, secret()))
    assert (found.cause, found.attempts, found.address) == ("timeout", 2, "10.0.0.9:443")
    assert len(http.asked) == 2


def test_lines_of_a_file_are_taken_as_they_are() -> None:
    text = '# comment\nA=1\nB="two words"\nC=a=b\n\nno equals\n  D = spaced \nE=\n'
    assert read_variables(text) == {"A": "1", "B": '"two words"', "C": "a=b", "D": "spaced", "E": ""}


def environment(http: NamespaceHttp, *buckets: str) -> Mapping[str, str]:
    sources = [
        ObjectSource(
            endpoint="s3.us-east-1.amazonaws.com", region="us-east-1", bucket=b, key="k é", credentials=KEYS
        )
        for b in buckets
    ]
    return asyncio.run(fetch_environment(http, "task", [], sources))


def test_the_first_file_that_names_a_variable_decides() -> None:
    bodies = {"https://one.s3": b"A=1\nB=1", "https://s3.us-": b"B=2\nC=2"}
    http = Recorded(lambda url, members: HttpAnswer(200, {}, bodies[url[:14]]))
    assert environment(http, "one", "two.dots") == {"A": "1", "B": "1", "C": "2"}
    urls = [url for url, _, _ in http.asked]
    assert urls == [
        "https://one.s3.us-east-1.amazonaws.com/k%20%C3%A9",
        "https://s3.us-east-1.amazonaws.com/two.dots/k%20%C3%A9",
    ]
    assert all("Authorization" in headers for _, _, headers in http.asked)


def test_s3s_refusal_in_the_agents_words() -> None:
    body = b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>"
    http = Recorded(lambda url, members: HttpAnswer(403, {}, body))
    found = failure(lambda: environment(http, "one"))
    assert (found.step, found.cause) == ("environment_files", "denied")
    assert found.text == ("file download command: non empty error stream: AccessDenied: no status code: 403")
