"""Forms as clients write them, beyond what botocore does."""

from typing import Any

import pytest

from seawall.wire.errors import ApiError, WireError
from seawall.wire.form_shapes import MAX_FIELDS
from seawall.wire.http import Request
from seawall.wire.protocols import protocol_for
from seawall.wire.service import load_service


def parse(service: str, operation: str, form: str, query: str = "") -> dict[str, Any]:
    known = load_service(service)
    assert known is not None
    request = Request(method="POST", path="/", query=query, headers={}, body=form.encode())
    return protocol_for(known).parse(known.operation(operation), request)


def test_an_empty_list_is_empty_and_numbers_give_the_order() -> None:
    assert parse("iam", "TagRole", "RoleName=r&Tags=") == {"RoleName": "r", "Tags": []}
    assert parse("ec2", "DescribeVpcs", "VpcId.10=c&VpcId.2=b&VpcId.1=a") == {"VpcIds": ["a", "b", "c"]}


def test_query_string_and_body_are_one_form() -> None:
    assert parse("ec2", "DescribeVpcs", "MaxResults=5", "DryRun=true&NextToken=a%20b+c") == {
        "MaxResults": 5,
        "DryRun": True,
        "NextToken": "a b c",
    }


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ("VpcId.x=1", "MalformedQueryString"),
        ("VpcId=%ff", "MalformedQueryString"),
        ("&".join(["A=1"] * (MAX_FIELDS + 1)), "MalformedQueryString"),
        (".".join("a" * 40) + "=1", "MalformedQueryString"),
        ("MaxResults=five", "InvalidParameterValue"),
        ("MaxResults=99999999999", "InvalidParameterValue"),
        ("MaxResults.1=5", "InvalidParameterValue"),
        ("Filter.1.Nome=x", "UnknownParameter"),
    ],
)
def test_forms_that_make_no_sense_are_refused(form: str, code: str) -> None:
    with pytest.raises((ApiError, WireError)) as refused:
        parse("ec2", "DescribeVpcs", form)
    assert refused.value.code == code  # type: ignore[attr-defined]
