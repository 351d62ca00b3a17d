"""The policies that AWS itself provides, as far as Seawall knows their text."""

import json
from datetime import datetime, timezone

from seawall.model.policy import Policy, PolicyVersion

PREFIX = "arn:aws:iam::aws:policy/"


def _policy(
    name: str, id: str, actions: list[str] | str, created: datetime, *, path: str = "/", about: str
) -> Policy:
    statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    return Policy(
        id=f"arn:aws:iam::aws:policy{path}{name}",
        name=name,
        policy_id=id,
        path=path,
        description=about,
        versions=(PolicyVersion(version_id="v1", document=document, create_date=created),),
        create_date=created,
        update_date=created,
    )


_POLICIES = (
    _policy(
        "AmazonECSTaskExecutionRolePolicy",
        "ANPAJG4T4G4PV56DE72PY",
        [
            "ecr:GetAuthorizationToken",
            "ecr:BatchCheckLayerAvailability",
            "ecr:GetDownloadUrlForLayer",
            "ecr:BatchGetImage",
            "logs:CreateLogStream",
            "logs:PutLogEvents",
        ],
        datetime(2017, 11, 16, 18, 48, 22, tzinfo=timezone.utc),
        path="/service-role/",
        about="Provides access to other AWS service resources that are required to run Amazon ECS tasks",
    ),
    _policy(
        "AdministratorAccess",
        "ANPAIWMBCKSKIEE64ZLYK",
        "*",
        datetime(2015, 2, 6, 18, 39, 46, tzinfo=timezone.utc),
        about="Provides full access to AWS services and resources.",
    ),
)

MANAGED_POLICIES = {policy.id: policy for policy in _POLICIES}
