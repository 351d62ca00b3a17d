"""A load balancer's requests are in its bucket, also when Seawall was killed before they got there."""

import gzip
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from tests.e2e.harness import WAIT, Seawall, eventually

REQUESTS = 5


def test_requests_reach_the_bucket_over_a_kill(
    another_seawall: Callable[..., AbstractContextManager[Seawall]],
) -> None:
    with another_seawall("--access-log-interval", "3600") as running:
        balancer, name = _balancer(running)
        _log_to_a_bucket(running, balancer)
        running.settle()
        urls = [f"http://{name}/request-{number}" for number in range(REQUESTS)]
        asked = running.internet("curl", "-sS", "--max-time", "5", *urls)
        assert asked.stdout == "here" * REQUESTS, asked.stderr
        spool = running.state_dir / "access-logs"
        eventually(
            lambda: b"".join(f.read_bytes() for f in spool.iterdir()).count(b"/request-") == REQUESTS,
            "all were noticed",
        )
        running.kill_control_plane()
        running.options = ("--access-log-interval", "1")
        running.up()
        eventually(lambda: len(_lines(running)) == REQUESTS, "all are in the bucket")
        lines = _lines(running)
        assert [line.split('"')[1] for line in lines] == [
            f"GET http://{name}:80/request-{number} HTTP/1.1" for number in range(REQUESTS)
        ]
        assert all(line.split()[2] == balancer.partition("loadbalancer/")[2] for line in lines)


def _balancer(running: Seawall) -> tuple[str, str]:
    """One that answers by itself, in the default VPC: its ARN and its name."""
    ec2, elb = running.client("ec2"), running.client("elbv2")
    subnets = ec2.describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"][:2]
    group = ec2.create_security_group(GroupName="web", Description="web", VpcId=subnets[0]["VpcId"])[
        "GroupId"
    ]
    anybody: dict[str, Any] = {"CidrIp": "0.0.0.0/0", "IpProtocol": "tcp", "FromPort": 80, "ToPort": 80}
    ec2.authorize_security_group_ingress(GroupId=group, **anybody)
    made = elb.create_load_balancer(
        Name="web", Subnets=[subnet["SubnetId"] for subnet in subnets], SecurityGroups=[group]
    )["LoadBalancers"][0]
    arn = str(made["LoadBalancerArn"])
    answer = {"StatusCode": "200", "ContentType": "text/plain", "MessageBody": "here"}
    actions = [{"Type": "fixed-response", "FixedResponseConfig": answer}]
    elb.create_listener(LoadBalancerArn=arn, Protocol="HTTP", Port=80, DefaultActions=actions)
    elb.get_waiter("load_balancer_available").wait(LoadBalancerArns=[arn], WaiterConfig=WAIT)
    return arn, str(made["DNSName"])


def _log_to_a_bucket(running: Seawall, balancer: str) -> None:
    s3 = running.client("s3")
    s3.create_bucket(Bucket="logs")
    allow = {
        "Effect": "Allow",
        "Principal": {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"},
        "Action": "s3:PutObject",
        "Resource": "arn:aws:s3:::logs/AWSLogs/123456789012/*",
        "Condition": {"ArnLike": {"aws:SourceArn": balancer}},
    }
    s3.put_bucket_policy(Bucket="logs", Policy=json.dumps({"Version": "2012-10-17", "Statement": [allow]}))
    wanted = {"access_logs.s3.enabled": "true", "access_logs.s3.bucket": "logs"}
    running.client("elbv2").modify_load_balancer_attributes(
        LoadBalancerArn=balancer, Attributes=[{"Key": key, "Value": value} for key, value in wanted.items()]
    )
    assert [found["Key"] for found in s3.list_objects_v2(Bucket="logs")["Contents"]] == [
        "AWSLogs/123456789012/ELBAccessLogTestFile"
    ]


def _lines(running: Seawall) -> list[str]:
    """Of all objects, in the order of the requests."""
    s3 = running.client("s3")
    keys = [found["Key"] for found in s3.list_objects_v2(Bucket="logs")["Contents"]]
    bodies = [s3.get_object(Bucket="logs", Key=key)["Body"].read() for key in keys if key.endswith(".gz")]
    lines = [line for body in bodies for line in gzip.decompress(body).decode().splitlines()]
    return sorted(lines, key=lambda line: line.split()[1])
