"""The forms of valueFrom."""

import pytest

from seawall.compile.secret_source import object_sources, registry_password, secret_source
from seawall.model.task_definition import EnvironmentFile

ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:app/db-AbCdEf"


@pytest.mark.parametrize(
    ("behind", "members"),
    [
        ("", (None, None, None)),
        (":user::", ("user", None, None)),
        ("::AWSPREVIOUS:", (None, "AWSPREVIOUS", None)),
        (":user:AWSCURRENT:v1", ("user", "AWSCURRENT", "v1")),
        (":::v1", (None, None, "v1")),
    ],
)
def test_a_secret(behind: str, members: tuple[str | None, ...]) -> None:
    source = secret_source(ARN + behind, "us-east-1", None)
    assert (source.service, source.id) == ("secretsmanager", ARN)
    assert (source.endpoint, source.region) == ("secretsmanager.eu-west-1.amazonaws.com", "eu-west-1")
    assert (source.json_key, source.version_stage, source.version_id) == members


def test_a_parameter_by_name_and_by_arn() -> None:
    named = secret_source("/app/url", "us-east-1", None)
    assert (named.service, named.id, named.endpoint) == ("ssm", "/app/url", "ssm.us-east-1.amazonaws.com")
    arn = "arn:aws:ssm:eu-west-1:123456789012:parameter/app/url"
    assert secret_source(arn, "us-east-1", None).region == "eu-west-1"


def test_a_registrys_password_by_name() -> None:
    assert registry_password("login", "us-east-1", None).service == "secretsmanager"
    assert registry_password(ARN, "us-east-1", None).region == "eu-west-1"


def test_a_file_of_variables() -> None:
    (source,) = object_sources(
        [EnvironmentFile(value="arn:aws:s3:::bucket/a/b.env", type="s3")], "us-east-1", None
    )
    assert (source.bucket, source.key, source.endpoint) == ("bucket", "a/b.env", "s3.us-east-1.amazonaws.com")
