"""boto3 clients of a running Seawall, as anybody would make them."""

from functools import cached_property
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from seawall.app.running import Running

if TYPE_CHECKING:
    from types_boto3_ec2 import EC2Client
    from types_boto3_ecr import ECRClient
    from types_boto3_ecs import ECSClient
    from types_boto3_iam import IAMClient
    from types_boto3_logs import CloudWatchLogsClient
    from types_boto3_sts import STSClient


class Clients:
    """One client for each service, made when it is first asked for."""

    def __init__(self, running: Running) -> None:
        self._session = boto3.Session(
            aws_access_key_id=running.access_key_id,
            aws_secret_access_key=running.secret_access_key,
            region_name=running.region,
        )
        self._url = running.url
        self._config = Config(retries={"total_max_attempts": 2})

    @cached_property
    def ec2(self) -> "EC2Client":
        return self._session.client("ec2", endpoint_url=self._url, config=self._config)

    @cached_property
    def ecs(self) -> "ECSClient":
        return self._session.client("ecs", endpoint_url=self._url, config=self._config)

    @cached_property
    def ecr(self) -> "ECRClient":
        return self._session.client("ecr", endpoint_url=self._url, config=self._config)

    @cached_property
    def iam(self) -> "IAMClient":
        return self._session.client("iam", endpoint_url=self._url, config=self._config)

    @cached_property
    def logs(self) -> "CloudWatchLogsClient":
        return self._session.client("logs", endpoint_url=self._url, config=self._config)

    @cached_property
    def sts(self) -> "STSClient":
        return self._session.client("sts", endpoint_url=self._url, config=self._config)

    @cached_property
    def elbv2(self) -> Any:
        return self._session.client("elbv2", endpoint_url=self._url, config=self._config)

    @cached_property
    def route53(self) -> Any:
        return self._session.client("route53", endpoint_url=self._url, config=self._config)
