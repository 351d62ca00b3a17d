"""What a container is told from elsewhere: secrets, files of variables, the password of a registry.

Sources: Secret, EnvironmentFile and RepositoryCredentials of the service model; "Passing sensitive data" of
the developer guide; texts as seen from RegisterTaskDefinition.
"""

import re
from collections.abc import Iterable, Sequence

from seawall.api.ecs.names import client_exception
from seawall.model.arn import parse_arn
from seawall.model.image_reference import parse_image_reference
from seawall.model.task_definition import ContainerDefinition, EnvironmentFile, Secret

MOST_FILES = 10
PARAMETER_NAME = re.compile(r"/?[a-zA-Z0-9_.\-]+(?:/[a-zA-Z0-9_.\-]+)*")


def check_secrets(container: ContainerDefinition, execution_role_arn: str | None) -> None:
    """Raises ApiError ClientException."""
    options = container.log_configuration and container.log_configuration.secret_options
    given = (*(container.secrets or ()), *(options or ()))
    if given and execution_role_arn is None:
        raise client_exception(
            "When you are specifying container secrets, you must also specify a value for 'executionRoleArn'."
        )
    for secret in given:
        _check_source(secret)
    taken = {pair.name for pair in container.environment}
    for secret in container.secrets or ():
        if secret.name in taken:
            raise client_exception(
                "The secret name must be unique and not shared with any new or existing environment variables"
                f" set on the container, such as '{secret.name}'."
            )
        taken.add(secret.name)
    check_environment_files(container.environment_files or ())
    if container.repository_credentials is not None:
        _check_registry(container, execution_role_arn)


def _check_registry(container: ContainerDefinition, execution_role_arn: str | None) -> None:
    if parse_image_reference(container.image).ecr_region:
        raise client_exception(
            "Private repository credentials are not a supported authentication method for ECR repositories."
        )
    if execution_role_arn is None:
        raise client_exception(
            "Private repository authentication requires that the task definition specify a value for"
            " executionRoleArn."
        )


def check_environment_files(files: Sequence[EnvironmentFile]) -> None:
    """Raises ApiError ClientException."""
    if len(files) > MOST_FILES:
        raise client_exception(
            "The maximum number of environment files was exceeded. Specify ten or less and try again."
        )
    for file in files:
        arn = parse_arn(file.value)
        if arn is None or arn.service != "s3" or "/" not in arn.resource:
            raise client_exception("Invalid arn syntax.")
        if not file.value.endswith(".env"):
            raise client_exception(f"The environment file '{file.value}' must have a .env file extension.")


def secret_services(secrets: Iterable[Secret]) -> set[str]:
    """ "asm" and "ssm", as far as values come from there."""
    return {"asm" if ":secretsmanager:" in secret.value_from else "ssm" for secret in secrets}


def _check_source(secret: Secret) -> None:
    """An ARN of Secrets Manager or of a parameter, or a parameter's name."""
    arn = parse_arn(secret.value_from)
    if arn is None:
        valid = PARAMETER_NAME.fullmatch(secret.value_from) is not None
    elif arn.service == "secretsmanager":
        valid = arn.resource.startswith("secret:")
    else:
        valid = arn.service == "ssm" and arn.resource.startswith("parameter/")
    if not valid:
        raise client_exception(
            f"The Systems Manager parameter name specified for secret {secret.name} is invalid."
        )
