"""The user name and password of a private registry, out of a secret.

Source: developer guide, "Using non-AWS container images in Amazon ECS": a secret {"username": .., "password":
..}, fetched when the task starts.  The words of failures are those of the agent on Fargate.
"""

import msgspec
from msgspec.structs import replace

from seawall.host.ecr_login import RegistryCredentials
from seawall.host.failure import FailedStep
from seawall.host.secrets import Secrets
from seawall.program.report import Failure
from seawall.program.task import SecretSource


class _Login(msgspec.Struct):
    username: str
    password: str


async def registry_credentials(secrets: Secrets, source: SecretSource) -> RegistryCredentials:
    """Raises FailedStep ("registry_auth")."""
    said = f"asm fetching secret from the service for {source.id}"
    try:
        texts = await secrets.fetch([source])
        login = msgspec.json.decode(texts[source], type=_Login)
    except FailedStep as failed:
        failure = failed.failure
        tail = failure.text.rpartition("from secrets manager: ")[2]
        raise FailedStep(replace(failure, step="registry_auth", text=f"{said}: {tail}")) from None
    except msgspec.MsgspecError as error:
        text = f'{said}: the secret is not of the form {{"username": .., "password": ..}}: {error}'
        url = f"https://{source.endpoint}/"
        raise FailedStep(Failure(step="registry_auth", cause="other", text=text, url=url)) from None
    return RegistryCredentials(login.username, login.password)
