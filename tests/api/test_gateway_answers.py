"""The gateway answers what it cannot serve in the words of the service."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError


@pytest.mark.parametrize(
    ("service", "method", "arguments"),
    [
        ("ec2", "describe_spot_price_history", {}),
        ("ecs", "list_services_by_namespace", {"namespace": "x"}),
        ("iam", "list_mfa_devices", {}),
    ],
)
def test_an_operation_that_is_not_built_is_named(
    aws: Callable[..., Any], service: str, method: str, arguments: dict[str, Any]
) -> None:
    with pytest.raises(ClientError) as caught:
        getattr(aws(service), method)(**arguments)
    answer = caught.value.response
    assert answer["Error"]["Code"] == "NotImplemented"
    assert caught.value.operation_name in answer["Error"]["Message"]
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 501
    assert len(answer["ResponseMetadata"]["RequestId"]) == 36
