"""How the operations of ECR find a repository, and what they say when there is none."""

from typing import Any

from seawall.api.params import Params
from seawall.api.registry import Call
from seawall.model.arn import parse_arn
from seawall.model.repository import Repository
from seawall.store.store import Reader
from seawall.wire.errors import ApiError


def registry_host(account: str, region: str) -> str:
    return f"{account}.dkr.ecr.{region}.amazonaws.com"


def unknown_repository(name: str, account: str) -> str:
    return f"The repository with name '{name}' does not exist in the registry with id '{account}'"


def find_repository(call: Call, reader: Reader, params: Params) -> Repository:
    """The repository of `repositoryName` in `registryId` (this account's unless given).  Raises ApiError."""
    name = params["repositoryName"]
    registry = params.get("registryId", call.account)
    repository = reader.find(Repository, name) if registry == call.account else None
    if repository is None:
        raise ApiError("RepositoryNotFoundException", unknown_repository(name, registry))
    return repository


def repository_of_arn(call: Call, reader: Reader, arn: str) -> Repository:
    """The repository an ARN names.  Raises ApiError."""
    parsed = parse_arn(arn)
    if parsed is None or parsed.service != "ecr" or not parsed.resource.startswith("repository/"):
        raise ApiError(
            "InvalidParameterException",
            f"Invalid parameter at 'resourceArn' failed to satisfy constraint: 'Invalid ARN: {arn}'",
        )
    name = parsed.resource.removeprefix("repository/")
    here = (parsed.region, parsed.account) == (call.region, call.account)
    repository = reader.find(Repository, name) if here else None
    if repository is None:
        raise ApiError("RepositoryNotFoundException", unknown_repository(name, parsed.account))
    return repository


def refuse_other_registry(call: Call, registry: str | None) -> None:
    if registry not in (None, call.account):
        raise ApiError(
            "InvalidParameterException", f"There is one registry here, that of account {call.account}."
        )


def tags_of(tags: list[dict[str, Any]]) -> dict[str, str]:
    """[{Key, Value}] as a dict.  Raises ApiError for what tags must not be."""
    found = {tag["Key"]: tag.get("Value", "") for tag in tags}
    if len(found) != len(tags):
        raise ApiError("InvalidTagParameterException", "Tag keys must be unique.")
    if any(key.lower().startswith("aws:") for key in found):
        raise ApiError("InvalidTagParameterException", "Tag keys must not start with 'aws:'.")
    return found


def checked_count(tags: dict[str, str]) -> dict[str, str]:
    if len(tags) > 50:
        raise ApiError("TooManyTagsException", "A repository can have no more than 50 tags.")
    return tags
