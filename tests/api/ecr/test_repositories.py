import base64
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from seawall.api.ecr.token import BadToken, token_principal

ARN = "arn:aws:ecr:us-east-1:123456789012:repository/team/web"


def refused(call: Any, **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**params)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def refusal(store: Any, password: str, now: Any) -> str:
    with pytest.raises(BadToken) as caught:
        token_principal(store, password, now)
    return str(caught.value)


@pytest.fixture
def ecr(aws: Any) -> Any:
    """No registry process: nothing here reaches an image."""
    return aws("ecr")


def test_a_repository_is_described_as_it_was_made(ecr: Any, clock: Any) -> None:
    made = ecr.create_repository(repositoryName="team/web", tags=[{"Key": "a", "Value": "1"}])["repository"]
    assert made == {
        "repositoryArn": ARN,
        "registryId": "123456789012",
        "repositoryName": "team/web",
        "repositoryUri": "123456789012.dkr.ecr.us-east-1.amazonaws.com/team/web",
        "createdAt": made["createdAt"],
        "imageTagMutability": "MUTABLE",
        "imageScanningConfiguration": {"scanOnPush": False},
        "encryptionConfiguration": {"encryptionType": "AES256"},
    }
    assert made["createdAt"] == clock.now
    assert ecr.describe_repositories()["repositories"] == [made]
    assert ecr.list_tags_for_resource(resourceArn=ARN)["tags"] == [{"Key": "a", "Value": "1"}]


def test_names_that_are_taken_or_unknown_are_refused_in_the_services_words(ecr: Any) -> None:
    ecr.create_repository(repositoryName="web")
    assert refused(ecr.create_repository, repositoryName="web") == (
        "RepositoryAlreadyExistsException",
        "The repository with name 'web' already exists in the registry with id '123456789012'",
    )
    unknown = (
        "RepositoryNotFoundException",
        "The repository with name 'nope' does not exist in the registry with id '123456789012'",
    )
    assert refused(ecr.describe_repositories, repositoryNames=["web", "nope"]) == unknown
    assert refused(ecr.delete_repository, repositoryName="nope") == unknown
    assert refused(ecr.describe_images, repositoryName="nope") == unknown
    assert refused(ecr.create_repository, repositoryName="Web")[0] == "InvalidParameterException"


def test_what_cannot_be_honoured_is_refused_and_nothing_is_made(ecr: Any) -> None:
    scan = {"scanOnPush": True}
    assert refused(ecr.create_repository, repositoryName="ab", imageScanningConfiguration=scan)[0] == (
        "NotImplemented"
    )
    kms = {"encryptionType": "KMS"}
    assert refused(ecr.create_repository, repositoryName="ab", encryptionConfiguration=kms)[0] == (
        "NotImplemented"
    )
    assert ecr.describe_repositories()["repositories"] == []


def test_repositories_come_in_pages(ecr: Any) -> None:
    for name in ("aa", "bb", "cc"):
        ecr.create_repository(repositoryName=name)
    pages = ecr.get_paginator("describe_repositories").paginate(PaginationConfig={"PageSize": 2})
    names = [[repository["repositoryName"] for repository in page["repositories"]] for page in pages]
    assert names == [["aa", "bb"], ["cc"]]
    assert refused(ecr.describe_repositories, nextToken="?")[0] == "InvalidParameterException"


def test_tags_are_changed_by_arn(ecr: Any) -> None:
    ecr.create_repository(repositoryName="team/web")
    ecr.tag_resource(resourceArn=ARN, tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    ecr.untag_resource(resourceArn=ARN, tagKeys=["a"])
    assert ecr.list_tags_for_resource(resourceArn=ARN)["tags"] == [{"Key": "b", "Value": "2"}]
    tags = [{"Key": "aws:x", "Value": ""}]
    assert refused(ecr.tag_resource, resourceArn=ARN, tags=tags)[0] == "InvalidTagParameterException"
    assert refused(ecr.list_tags_for_resource, resourceArn="arn:aws:s3:::x")[0] == "InvalidParameterException"


def test_mutability_and_its_exclusions(ecr: Any) -> None:
    ecr.create_repository(repositoryName="web")
    filters = [{"filterType": "WILDCARD", "filter": "latest*"}]
    ecr.put_image_tag_mutability(
        repositoryName="web",
        imageTagMutability="IMMUTABLE_WITH_EXCLUSION",
        imageTagMutabilityExclusionFilters=filters,
    )
    (found,) = ecr.describe_repositories()["repositories"]
    assert found["imageTagMutability"] == "IMMUTABLE_WITH_EXCLUSION"
    assert found["imageTagMutabilityExclusionFilters"] == filters
    wrong = refused(
        ecr.put_image_tag_mutability, repositoryName="web", imageTagMutability="MUTABLE_WITH_EXCLUSION"
    )
    assert wrong[0] == "InvalidParameterException"


def test_policies_that_cannot_be_set_are_never_found(ecr: Any) -> None:
    ecr.create_repository(repositoryName="web")
    assert refused(ecr.get_repository_policy, repositoryName="web")[0] == "RepositoryPolicyNotFoundException"
    assert refused(ecr.get_lifecycle_policy, repositoryName="web")[0] == "LifecyclePolicyNotFoundException"
    put = refused(ecr.set_repository_policy, repositoryName="web", policyText="{}")
    assert put[0] == "NotImplemented"


def test_a_token_opens_the_registry_for_twelve_hours(ecr: Any, store: Any, clock: Any) -> None:
    (data,) = ecr.get_authorization_token()["authorizationData"]
    assert data["proxyEndpoint"] == "https://123456789012.dkr.ecr.us-east-1.amazonaws.com"
    assert data["expiresAt"] - clock.now == timedelta(hours=12)
    user, _, password = base64.b64decode(data["authorizationToken"]).decode().partition(":")
    assert user == "AWS"
    late = clock.now + timedelta(hours=11, minutes=59)
    assert token_principal(store, password, late).arn == "arn:aws:iam::123456789012:root"
    assert refusal(store, password, clock.now + timedelta(hours=12)) == "expired"
    forged = base64.urlsafe_b64decode(password)[:-1] + b"!"
    assert refusal(store, base64.urlsafe_b64encode(forged).decode(), clock.now) == "invalid"
    assert refusal(store, "ü", clock.now) == refusal(store, "", clock.now) == "invalid"
