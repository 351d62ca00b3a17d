"""ECR repositories, and the token that opens their registry."""

import base64
from typing import Any

from msgspec.structs import replace

from seawall.api.ecr.content import registry_content
from seawall.api.ecr.names import (
    checked_count,
    find_repository,
    refuse_other_registry,
    registry_host,
    repository_of_arn,
    tags_of,
    unknown_repository,
)
from seawall.api.ecr.token import USER, new_token
from seawall.api.page import InvalidToken, take_page
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.image import Image
from seawall.model.repository import Repository
from seawall.store.store import Transaction
from seawall.wire.errors import ApiError, NotImplementedHere


@operation(
    "ecr",
    "CreateRepository",
    refused={
        "imageScanningConfiguration.scanOnPush": "true: there is no scanner",
        "encryptionConfiguration.encryptionType": "KMS: images are not encrypted under KMS keys",
    },
)
def create_repository(call: Call, params: Params) -> dict[str, Any]:
    name = params["repositoryName"]
    refuse_other_registry(call, params.get("registryId"))
    if (params.get("imageScanningConfiguration") or {}).get("scanOnPush"):
        raise NotImplementedHere(
            "CreateRepository: Seawall has no image scanner, so scanOnPush must be false."
        )
    if (params.get("encryptionConfiguration") or {}).get("encryptionType", "AES256") != "AES256":
        raise NotImplementedHere(
            "CreateRepository: Seawall has no KMS; only encryptionType AES256 is served."
        )
    mutability = params.get("imageTagMutability", "MUTABLE")
    repository = Repository(
        id=name,
        created_at=call.now,
        image_tag_mutability=mutability,
        exclusion_filters=_exclusion_filters(mutability, params),
        tags=checked_count(tags_of(params.get("tags") or [])),
    )
    with call.write() as txn:
        if txn.find(Repository, name):
            raise ApiError(
                "RepositoryAlreadyExistsException",
                f"The repository with name '{name}' already exists in the registry with id '{call.account}'",
            )
        txn.put(repository)
    return {"repository": _describe(call, repository)}


def _exclusion_filters(mutability: str, params: Params) -> tuple[str, ...]:
    filters = params.get("imageTagMutabilityExclusionFilters") or []
    if bool(filters) != mutability.endswith("_WITH_EXCLUSION"):
        raise ApiError(
            "InvalidParameterException",
            "imageTagMutabilityExclusionFilters go with, and only with, a mutability WITH_EXCLUSION.",
        )
    if any(item["filterType"] != "WILDCARD" or item["filter"].count("*") > 2 for item in filters):
        raise ApiError(
            "InvalidParameterException",
            "An exclusion filter has the type WILDCARD and at most two wildcards (*).",
        )
    return tuple(item["filter"] for item in filters)


@operation("ecr", "DescribeRepositories")
def describe_repositories(call: Call, params: Params) -> dict[str, Any]:
    names, registry = params.get("repositoryNames"), params.get("registryId", call.account)
    limit, token = params.get("maxResults", 100), params.get("nextToken")
    here = call.store.all(Repository) if registry == call.account else []
    if names is None:
        page, rest = _page(here, limit, token)
        return {"repositories": [_describe(call, item) for item in page]} | (
            {"nextToken": rest} if rest else {}
        )
    known = {repository.id: repository for repository in here}
    for name in names:
        if name not in known:
            raise ApiError("RepositoryNotFoundException", unknown_repository(name, registry))
    return {"repositories": [_describe(call, known[name]) for name in dict.fromkeys(names)]}


def _page(items: list[Repository], limit: int, token: str | None) -> tuple[list[Repository], str | None]:
    try:
        return take_page(items, limit, token, lambda item: item.id)
    except InvalidToken:
        raise ApiError(
            "InvalidParameterException",
            "Invalid parameter at 'NextToken' failed to satisfy constraint: 'Invalid token'",
        ) from None


@operation("ecr", "DeleteRepository")
def delete_repository(call: Call, params: Params) -> dict[str, Any]:
    force = params.get("force", False)
    with call.write() as txn:
        repository = find_repository(call, txn, params)
        images = txn.referrers(Image, repository.ref)
        if images and not force:
            raise ApiError(
                "RepositoryNotEmptyException",
                f"The repository with name '{repository.id}' in registry with id '{call.account}'"
                " cannot be deleted because it still contains images",
            )
        for image in images:
            txn.delete(Image, image.id)
        txn.delete(Repository, repository.id)
    registry_content(call).remove_repository(repository.id)
    return {"repository": _describe(call, repository)}


def _describe(call: Call, repository: Repository) -> dict[str, Any]:
    described: dict[str, Any] = {
        "repositoryArn": call.arn(f"repository/{repository.id}", service="ecr"),
        "registryId": call.account,
        "repositoryName": repository.id,
        "repositoryUri": f"{registry_host(call.account, call.region)}/{repository.id}",
        "createdAt": repository.created_at,
        "imageTagMutability": repository.image_tag_mutability,
        "imageScanningConfiguration": {"scanOnPush": False},
        "encryptionConfiguration": {"encryptionType": repository.encryption_type},
    }
    if repository.exclusion_filters:
        described["imageTagMutabilityExclusionFilters"] = _filters(repository)
    return described


def _filters(repository: Repository) -> list[dict[str, str]]:
    return [{"filterType": "WILDCARD", "filter": pattern} for pattern in repository.exclusion_filters]


@operation("ecr", "PutImageTagMutability")
def put_image_tag_mutability(call: Call, params: Params) -> dict[str, Any]:
    mutability = params["imageTagMutability"]
    filters = _exclusion_filters(mutability, params)
    with call.write() as txn:
        repository = find_repository(call, txn, params)
        repository = replace(repository, image_tag_mutability=mutability, exclusion_filters=filters)
        txn.put(repository)
    answer: dict[str, Any] = {
        "registryId": call.account,
        "repositoryName": repository.id,
        "imageTagMutability": mutability,
    }
    return answer | ({"imageTagMutabilityExclusionFilters": _filters(repository)} if filters else {})


@operation(
    "ecr",
    "GetAuthorizationToken",
    note="The token opens the registry at the proxy endpoint from inside VPCs, and at Seawall's own address.",
)
def get_authorization_token(call: Call, params: Params) -> dict[str, Any]:
    registries = params.get("registryIds") or [call.account]
    for registry in registries:
        refuse_other_registry(call, registry)
    with call.write() as txn:
        password, expires = new_token(txn, call.principal, call.now)
    data = {
        "authorizationToken": base64.b64encode(f"{USER}:{password}".encode()).decode(),
        "expiresAt": expires,
        "proxyEndpoint": f"https://{registry_host(call.account, call.region)}",
    }
    return {"authorizationData": [data for _ in registries]}


@operation("ecr", "TagResource")
def tag_resource(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        repository = repository_of_arn(call, txn, params["resourceArn"])
        _put_tags(txn, repository, {**repository.tags, **tags_of(params["tags"])})
    return {}


@operation("ecr", "UntagResource")
def untag_resource(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        repository = repository_of_arn(call, txn, params["resourceArn"])
        gone = params["tagKeys"]
        _put_tags(txn, repository, {key: text for key, text in repository.tags.items() if key not in gone})
    return {}


def _put_tags(txn: Transaction, repository: Repository, tags: dict[str, str]) -> None:
    txn.put(replace(repository, tags=checked_count(tags)))


@operation("ecr", "ListTagsForResource")
def list_tags_for_resource(call: Call, params: Params) -> dict[str, Any]:
    repository = repository_of_arn(call, call.store, params["resourceArn"])
    return {"tags": [{"Key": key, "Value": value} for key, value in repository.tags.items()]}


@operation("ecr", "GetRepositoryPolicy", note="Repositories have no policies of their own: never found.")
def get_repository_policy(call: Call, params: Params) -> dict[str, Any]:
    repository = find_repository(call, call.store, params)
    raise ApiError(
        "RepositoryPolicyNotFoundException",
        f"Repository policy does not exist for the repository with name '{repository.id}'"
        f" in the registry with id '{call.account}'",
    )


@operation("ecr", "GetLifecyclePolicy", note="Images never expire: no lifecycle policy is ever found.")
def get_lifecycle_policy(call: Call, params: Params) -> dict[str, Any]:
    repository = find_repository(call, call.store, params)
    raise ApiError(
        "LifecyclePolicyNotFoundException",
        f"Lifecycle policy does not exist for the repository with name '{repository.id}'"
        f" in the registry with id '{call.account}'",
    )
