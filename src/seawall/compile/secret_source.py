"""Where values are that a definition only names: secrets, parameters, files of variables.

Sources: developer guide, "Specifying sensitive data" (the forms of valueFrom), "Private registry
authentication" and "Pass environment variables to an Amazon ECS container".
"""

from collections.abc import Iterable

from seawall.model.arn import parse_arn
from seawall.model.task_definition import EnvironmentFile, Secret
from seawall.program.task import Credentials, ObjectSource, SecretSource


def secret_source(value_from: str, region: str, credentials: Credentials | None) -> SecretSource:
    """ARN:json-key:version-stage:version-id of Secrets Manager, or a parameter's name or ARN."""
    arn = parse_arn(value_from)
    if arn is None or arn.service != "secretsmanager":
        where = arn.region if arn is not None and arn.region else region
        return SecretSource(
            service="ssm",
            endpoint=f"ssm.{where}.amazonaws.com",
            region=where,
            id=value_from,
            credentials=credentials,
        )
    kind, name, *rest = [*arn.resource.split(":"), "", "", ""]
    json_key, stage, version = rest[:3]
    return SecretSource(
        service="secretsmanager",
        endpoint=f"secretsmanager.{arn.region}.amazonaws.com",
        region=arn.region,
        id=f"arn:{arn.partition}:{arn.service}:{arn.region}:{arn.account}:{kind}:{name}",
        json_key=json_key or None,
        version_stage=stage or None,
        version_id=version or None,
        credentials=credentials,
    )


def registry_password(parameter: str, region: str, credentials: Credentials | None) -> SecretSource:
    """The secret with a registry's user name and password: its ARN, or its name."""
    if parse_arn(parameter) is not None:
        return secret_source(parameter, region, credentials)
    return SecretSource(
        service="secretsmanager",
        endpoint=f"secretsmanager.{region}.amazonaws.com",
        region=region,
        id=parameter,
        credentials=credentials,
    )


def secret_variables(
    secrets: Iterable[Secret], region: str, credentials: Credentials | None
) -> tuple[tuple[str, SecretSource], ...]:
    return tuple((s.name, secret_source(s.value_from, region, credentials)) for s in secrets)


def object_sources(
    files: Iterable[EnvironmentFile], region: str, credentials: Credentials | None
) -> tuple[ObjectSource, ...]:
    """An object's ARN names no region: it is asked for in the task's."""
    found = []
    for file in files:
        arn = parse_arn(file.value)
        bucket, _, key = (arn.resource if arn is not None else file.value).partition("/")
        found.append(
            ObjectSource(
                endpoint=f"s3.{region}.amazonaws.com",
                region=region,
                bucket=bucket,
                key=key,
                credentials=credentials,
            )
        )
    return tuple(found)
