"""Policies decide what real clients may do, from the first start on."""

import json
import os
import subprocess
import sys
from typing import Any

import boto3
import httpx
import pytest
from botocore.exceptions import ClientError
from tests.e2e.harness import Seawall

POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "ecs:ListClusters", "Resource": "*"}],
}


def test_a_user_may_do_what_the_policy_says_and_nothing_else(seawall: Seawall) -> None:
    iam = seawall.client("iam")
    attached = iam.list_attached_user_policies(UserName="administrator")["AttachedPolicies"]
    assert [policy["PolicyName"] for policy in attached] == ["AdministratorAccess"]
    iam.create_user(UserName="lister")
    iam.put_user_policy(UserName="lister", PolicyName="list", PolicyDocument=json.dumps(POLICY))
    key = iam.create_access_key(UserName="lister")["AccessKey"]

    def aws(*arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, **seawall.running.environment(), "AWS_PAGER": ""}
        environment["AWS_CONFIG_FILE"] = environment["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull
        environment["AWS_ACCESS_KEY_ID"] = key["AccessKeyId"]
        environment["AWS_SECRET_ACCESS_KEY"] = key["SecretAccessKey"]
        command = [sys.executable, "-m", "awscli", *arguments]
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=60, check=False
        )

    def said(done: subprocess.CompletedProcess[str]) -> str:
        assert done.returncode != 0, done
        return " ".join(done.stderr.split())

    listed: Any = aws("ecs", "list-clusters", "--output", "json")
    assert "clusterArns" in json.loads(listed.stdout)
    account, region = seawall.running.account, seawall.running.region
    caller = f"arn:aws:iam::{account}:user/lister"
    target = f"arn:aws:ecs:{region}:{account}:task-definition/nothing:1"
    text = said(aws("ecs", "run-task", "--task-definition", "nothing:1"))
    assert text.endswith(
        "An error occurred (AccessDeniedException) when calling the RunTask operation:"
        f" User: {caller} is not authorized to perform: ecs:RunTask on resource: {target}"
        " because no identity-based policy allows the ecs:RunTask action"
    )
    assert "(UnauthorizedOperation) when calling the DescribeVpcs operation" in said(
        aws("ec2", "describe-vpcs")
    )
    assert "(AccessDenied) when calling the ListUsers operation" in said(aws("iam", "list-users"))
    identity = json.loads(aws("sts", "get-caller-identity", "--output", "json").stdout)
    assert identity["Arn"] == caller


def test_where_a_request_comes_from_is_seen_and_not_believed(seawall: Seawall) -> None:
    """Who claims another address, or TLS, in a proxy's headers gets nothing by it."""
    iam = seawall.client("iam")
    iam.create_user(UserName="elsewhere")
    key = iam.create_access_key(UserName="elsewhere")["AccessKey"]
    ecs = boto3.client(
        "ecs",
        region_name=seawall.running.region,
        endpoint_url=seawall.running.url,
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )

    def claim(request: Any, **_: Any) -> None:
        request.headers["X-Forwarded-For"] = "8.8.8.8"
        request.headers["X-Forwarded-Proto"] = "https"

    ecs.meta.events.register("before-sign.*.*", claim)
    for condition, allowed in (
        ({"IpAddress": {"aws:SourceIp": "8.8.8.8"}}, False),
        ({"Bool": {"aws:SecureTransport": "true"}}, False),
        ({"IpAddress": {"aws:SourceIp": "127.0.0.1"}}, True),
    ):
        statement = {"Effect": "Allow", "Action": "ecs:*", "Resource": "*", "Condition": condition}
        policy = {"Version": "2012-10-17", "Statement": statement}
        iam.put_user_policy(UserName="elsewhere", PolicyName="p", PolicyDocument=json.dumps(policy))
        if allowed:
            ecs.list_clusters()
        else:
            with pytest.raises(ClientError, match="AccessDenied"):
                ecs.list_clusters()


def test_a_bucket_may_hold_what_looks_like_seawalls_own(seawall: Seawall) -> None:
    host = {"Host": f"a-bucket.s3.{seawall.running.region}.amazonaws.com"}
    answer = httpx.get(f"{seawall.running.url}/_seawall/health", headers=host)
    assert (answer.status_code, answer.headers["content-type"]) == (403, "application/xml")
    assert httpx.get(f"{seawall.running.url}/_seawall/health").json()["status"] == "ready"


def test_seawalls_own_routes_are_not_on_the_worlds_internet(seawall: Seawall) -> None:
    asked = seawall.internet(
        "curl",
        "--silent",
        "--insecure",
        f"https://ecs.{seawall.running.region}.amazonaws.com/_seawall/health",
    )
    assert asked.returncode == 0, asked.stderr
    assert "ready" not in asked.stdout
    assert "notes" not in asked.stdout
