"""The login of a private registry, read out of a secret."""

import asyncio
from collections.abc import Iterable, Mapping

import pytest

from seawall.host.failure import FailedStep
from seawall.host.namespace_http import NamespaceHttp
from seawall.host.registry_login import registry_credentials
from seawall.host.secrets import Secrets
from seawall.program.report import Failure
from seawall.program.task import SecretSource

SOURCE = SecretSource(
    service="secretsmanager",
    endpoint="secretsmanager.us-east-1.amazonaws.com",
    region="us-east-1",
    id="arn:s",
)


class Known(Secrets):
    """Says what it is told to, or fails."""

    def __init__(self, said: str | Failure) -> None:
        super().__init__(NamespaceHttp.__new__(NamespaceHttp), None, ())
        self._said = said

    async def fetch(self, wanted: Iterable[SecretSource]) -> Mapping[SecretSource, str]:
        if isinstance(self._said, Failure):
            raise FailedStep(self._said)
        return dict.fromkeys(wanted, self._said)


def failure_of(said: str | Failure) -> Failure:
    with pytest.raises(FailedStep) as raised:
        asyncio.run(registry_credentials(Known(said), SOURCE))
    return raised.value.failure


def test_name_and_password_are_two_members() -> None:
    said = '{"username": "alice", "password": "p:w", "more": 1}'
    assert asyncio.run(registry_credentials(Known(said), SOURCE)) == ("alice", "p:w")


@pytest.mark.parametrize(
    "said", ["", "alice:pw", '{"username": "alice"}', '{"username": 1, "password": "x"}']
)
def test_any_other_form_is_named(said: str) -> None:
    failure = failure_of(said)
    assert (failure.step, failure.cause) == ("registry_auth", "other")
    assert failure.text.startswith("asm fetching secret from the service for arn:s: the secret is not of")
    assert failure.url == "https://secretsmanager.us-east-1.amazonaws.com/"


def test_a_secret_that_is_not_there_fails_the_login() -> None:
    words = "failed to fetch secret arn:s from secrets manager: ResourceNotFoundException: none"
    failure = failure_of(Failure(step="secrets", cause="not_found", text=words, attempts=2))
    assert (failure.step, failure.cause, failure.attempts) == ("registry_auth", "not_found", 2)
    assert failure.text == "asm fetching secret from the service for arn:s: ResourceNotFoundException: none"
