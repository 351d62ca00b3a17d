"""Wildcards, variables and documents."""

import json
from typing import Any

import pytest

from seawall.iam.policy.document import PolicyError, parse_document
from seawall.iam.policy.pattern import expand, is_action, is_arn, is_resource, like, plain


@pytest.mark.parametrize(
    ("pattern", "action", "fits"),
    [
        ("*", "ec2:RunInstances", True),
        ("ec2:Describe*", "ec2:DescribeVpcs", True),
        ("EC2:describe*", "ec2:DescribeVpcs", True),
        ("ec2:Describe", "ec2:DescribeVpcs", False),
        ("iam:*AccessKey*", "iam:ListAccessKeys", True),
        ("s3:Get?bject", "s3:GetObject", True),
        ("s3:Get?bject", "s3:GetXXbject", False),
        ("s3:Get.bject", "s3:GetObject", False),
    ],
)
def test_actions_are_matched_without_regard_to_case(pattern: str, action: str, fits: bool) -> None:
    assert is_action(pattern, action) is fits


@pytest.mark.parametrize(
    ("pattern", "arn", "fits"),
    [
        ("*", "*", True),
        ("arn:aws:s3:::*", "*", False),
        ("arn:aws:s3:::bucket/*", "arn:aws:s3:::bucket/a:b/c", True),
        ("arn:aws:s3:::bucket/?", "arn:aws:s3:::bucket/a", True),
        ("arn:aws:s3:::bucket/*", "arn:aws:s3:::bucket", False),
        ("arn:aws:ec2:*:*:vpc/*", "arn:aws:ec2:eu-west-1:123456789012:vpc/vpc-1", True),
        ("arn:aws:ec2:us-*-1:1:vpc/a", "arn:aws:ec2:us-east-1:1:vpc/a", True),
        ("arn:aws:ec2:us-*-1:1:vpc/a", "arn:aws:ec2:us-x:1:2-1:1:vpc/a", False),  # not beyond its segment
        ("arn:aws:logs:*", "arn:aws:logs:r:1:log-group:/x:log-stream:y", True),  # the last one may go beyond
        ("arn:aws:logs:*:*:log-group:/x:*", "arn:aws:logs:r:1:log-group:/x:log-stream:", True),
        ("arn:aws:logs:*:*:log-group:/x", "arn:aws:logs:r:1:log-group:/x:log-stream:", False),
        ("arn:aws:ecs:r:1:Cluster/a", "arn:aws:ecs:r:1:cluster/a", False),  # ARNs have a case
        ("arn:aws:ecs:r:?:cluster/a", "arn:aws:ecs:r:1:cluster/a", True),
        ("arn:aws:ecs:r:?cluster/a", "arn:aws:ecs:r::cluster/a", False),
    ],
)
def test_resources_are_matched_by_segment(pattern: str, arn: str, fits: bool) -> None:
    assert is_resource(pattern, arn) is fits


@pytest.mark.parametrize(
    ("pattern", "arn", "fits"),
    [
        ("arn:aws:iam::1:role/*", "arn:aws:iam::1:role/x", True),
        ("arn:aws:*:*:role/*", "arn:aws:iam::1:role/x", False),  # five parts
        ("arn:*:iam::*:role/x", "arn:aws:iam::1:role/x", True),
        ("arn:aws:iam:*:role/x", "arn:aws:iam::1:role/x", False),  # a star never makes two parts of one
        ("*", "arn:aws:iam::1:role/x", True),
        ("*", "no arn", False),
    ],
)
def test_arn_conditions_look_at_each_part(pattern: str, arn: str, fits: bool) -> None:
    assert is_arn(pattern, arn) is fits


def test_a_pattern_of_many_stars_fails_fast() -> None:
    assert not like("*" * 200 + "b", "a" * 2000)
    assert not like("*a" * 12 + "b", "a" * 30)


def test_variables_stand_for_values_of_the_request() -> None:
    context = {"aws:username": ("ann",), "aws:principaltag/team": ("a*",), "aws:tagkeys": ("x", "y")}
    assert expand("home/${aws:username}/*", context) == "home/ann/*"
    assert expand("${AWS:UserName}", context) == "ann"
    assert expand("${aws:userid}", context) is None
    assert expand("${aws:TagKeys}", context) is None  # two values are no value
    assert expand("${aws:userid, 'nobody'}", context) == "nobody"
    assert expand("${aws:username, 'nobody'}", context) == "ann"
    star = expand("x${*}${?}${$}", context)
    assert star is not None and plain(star) == "x*?$"
    assert like(star, "x*?$") and not like(star, "xabc")
    team = expand("${aws:PrincipalTag/team}", context)
    assert team is not None and like(team, "a*") and not like(team, "ab")  # a value is no pattern


def document(**changes: Any) -> str:
    statement = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"} | changes
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "This policy contains invalid Json"),
        ("[]", "Syntax errors in policy."),
        (json.dumps({"Version": "2020-01-01", "Statement": []}), "Syntax errors in policy."),
        (json.dumps({"Statement": "x"}), "Syntax errors in policy."),
        (document(Effect="allow"), "Syntax errors in policy."),
        (document(Extra=1), "Syntax errors in policy."),
        (document(NotAction="s3:*"), "Syntax errors in policy."),
        (document(Action=[1]), "Syntax errors in policy."),
        (document(Condition=[]), "Syntax errors in policy."),
        (document(Condition={"StringSame": {"a": "b"}}), "Invalid Condition type : StringSame."),
        (
            document(Condition={"ForSome:StringLike": {"a": "b"}}),
            "Invalid Condition type : ForSome:StringLike.",
        ),
        (document(Condition={"NullIfExists": {"a": "true"}}), "Invalid Condition type : NullIfExists."),
        (document(Condition={"StringLike": {"a": {}}}), "Syntax errors in policy."),
        (document(Principal={"Nobody": "*"}), 'Invalid principal in policy: {"Nobody":"*"}'),
    ],
)
def test_what_is_no_document_says_why(text: str, said: str) -> None:
    with pytest.raises(PolicyError) as caught:
        parse_document(text)
    assert str(caught.value) == said


def test_a_document_may_be_written_in_many_ways() -> None:
    one = parse_document(
        json.dumps({"Statement": {"Effect": "Deny", "Action": ["a:B", "c:D"], "NotResource": "*"}})
    )
    (statement,) = one.statements
    assert (one.version, statement.variables) == ("2008-10-17", False)
    assert statement.actions is not None and statement.actions.patterns == ("a:B", "c:D")
    assert statement.resources is None
    condition = {"Bool": {"k": True}, "NumericEquals": {"n": [1, 2.5]}}
    (statement,) = parse_document(document(Condition=condition, Principal={"AWS": ["1", "2"]})).statements
    assert [c.values for c in statement.conditions] == [("true",), ("1", "2.5")]
    assert statement.principals == (("AWS", "1"), ("AWS", "2"))
