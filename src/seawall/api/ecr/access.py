"""What the operations of ECR ask permission for.

Source: "Actions, resources, and condition keys for Amazon Elastic Container Registry".
"""

from seawall.iam.access import CallFacts, Plain, Target, access, also
from seawall.model.repository import Repository


def repository_target(name: str, facts: CallFacts) -> Target:
    known = facts.store.find(Repository, name)
    return Target(facts.arn("ecr", f"repository/{name}"), known.tags if known else {})


def _repository(params: Plain, facts: CallFacts) -> list[Target]:
    if "resourceArn" in params:
        return [repository_target(params["resourceArn"].split(":repository/", 1)[-1], facts)]
    return [repository_target(params["repositoryName"], facts)]


def _repositories(params: Plain, facts: CallFacts) -> list[Target]:
    names = params.get("repositoryNames")
    if not names:
        return [Target(facts.arn("ecr", "repository/*"))]
    return [repository_target(name, facts) for name in names]


def _if_tagged(params: Plain, facts: CallFacts) -> list[Target]:
    return _repository(params, facts) if params.get("tags") else []


for _operation in (
    *("BatchCheckLayerAvailability", "BatchDeleteImage", "BatchGetImage", "CreateRepository"),
    *("DeleteRepository", "DescribeImages", "GetDownloadUrlForLayer", "GetLifecyclePolicy"),
    *("GetRepositoryPolicy", "ListImages", "ListTagsForResource", "PutImage", "PutImageTagMutability"),
    *("TagResource", "UntagResource"),
):
    access("ecr", _operation, resources=_repository)
access("ecr", "DescribeRepositories", resources=_repositories)
also("ecr", "CreateRepository", action="ecr:TagResource", resources=_if_tagged)
