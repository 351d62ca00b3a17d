"""The registry's password, asked of ECR over the task's own interface before its image is pulled."""

import base64
import binascii
from collections.abc import Sequence
from typing import NamedTuple

from seawall.host.aws_call import AwsRefused, AwsService, call
from seawall.host.failure import FailedStep
from seawall.host.namespace_http import NamespaceHttp, RequestFailed
from seawall.program.report import Failure
from seawall.program.task import EcrLogin

RETRIES = 1  # after which a route that leads nowhere has cost twice the connection's timeout
TARGET = "AmazonEC2ContainerRegistry_V20150921"


class RegistryCredentials(NamedTuple):
    username: str
    password: str


async def ecr_token(
    http: NamespaceHttp,
    namespace: str | None,
    nameservers: Sequence[str],
    login: EcrLogin,
    *,
    retries: int = RETRIES,
) -> RegistryCredentials:
    """GetAuthorizationToken, tried again where the network failed.  Raises FailedStep ("registry_auth").

    `Failure.attempts` counts all tries, as AWS does in "service call has been retried 1 time(s)".
    """
    service = AwsService(
        name="ecr",
        target=TARGET,
        endpoint=login.endpoint,
        region=login.region,
        credentials=login.credentials,
    )
    for tried in range(1, retries + 2):
        try:
            answer = await call(http, namespace, nameservers, service, "GetAuthorizationToken", {})
        except AwsRefused as refused:
            raise _failed(service, refused.cause, str(refused), tried) from None
        except RequestFailed as error:
            if tried > retries:
                raise _failed(service, error.cause, error.text, tried, error.address) from None
        else:
            return _credentials(service, answer, tried)
    raise AssertionError("unreachable")


def _credentials(service: AwsService, answer: dict[str, object], tried: int) -> RegistryCredentials:
    try:
        data = answer["authorizationData"]
        assert isinstance(data, list)
        token = base64.b64decode(data[0]["authorizationToken"], validate=True).decode()
    except (KeyError, IndexError, TypeError, AssertionError, binascii.Error, UnicodeDecodeError):
        text = "GetAuthorizationToken answered without a token"
        raise _failed(service, "other", text, tried) from None
    username, _, password = token.partition(":")
    return RegistryCredentials(username, password)


def _failed(service: AwsService, cause: str, text: str, tried: int, address: str | None = None) -> FailedStep:
    return FailedStep(
        Failure(
            step="registry_auth", cause=cause, text=text, url=service.url, address=address, attempts=tried
        )
    )
