"""AWS's evaluation logic as a decision table, and at random against the written logic."""

import json
from collections.abc import Sequence
from itertools import product
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.examples import examples
from tests.iam.written_logic import Context, effects, listed

from seawall.iam.policy.caller import Caller
from seawall.iam.policy.document import Policy, named_policy
from seawall.iam.policy.evaluate import Decision, Policies, Question, decide

ACCOUNT = "123456789012"
USER = f"arn:aws:iam::{ACCOUNT}:user/ann"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/worker"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/worker/s1"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
BUCKET = "arn:aws:s3:::bucket"
Kind = Literal["user", "session", "root"]
CALLERS: dict[Kind, Caller] = {
    "user": Caller(kind="user", account=ACCOUNT, arn=USER),
    "session": Caller(kind="session", account=ACCOUNT, arn=SESSION, role_arn=ROLE),
    "root": Caller(kind="root", account=ACCOUNT, arn=ROOT),
}
Word = Literal["Allow", "Deny", "silent", "absent"]


def policy(word: Word, principal: str | None = None) -> tuple[Policy, ...]:
    """A layer whose one statement is about the question, or about something else."""
    statement: dict[str, Any] = {"Effect": "Deny" if word == "Deny" else "Allow", "Resource": "*"}
    statement["Action"] = "s3:Other" if word == "silent" else "s3:Get"
    if principal is not None:
        statement["Principal"] = principal if principal == "*" else {"AWS": principal}
    return (named_policy("p", json.dumps({"Version": "2012-10-17", "Statement": statement})),)


def layer(word: Word) -> tuple[Policy, ...] | None:
    return None if word == "absent" else policy(word)


def ask(kind: Kind, **layers: Any) -> Decision:
    question = Question(caller=CALLERS[kind], action="s3:Get", resource=BUCKET)
    return decide(question, Policies(**layers))


WORDS: Sequence[Word] = ("Allow", "Deny", "silent", "absent")
PRINCIPALS = {"user": (USER, "*", ACCOUNT), "session": (SESSION, ROLE, "*", ROOT), "root": ("*", ROOT)}


@pytest.mark.parametrize("kind", ["user", "session", "root"])
def test_the_table_within_one_account(kind: Kind) -> None:
    """Each row of "Policy evaluation for requests within a single account", for every combination."""
    for identity, boundary, session, endpoint, resource in product(WORDS, WORDS, WORDS, WORDS, WORDS):
        for principal in PRINCIPALS[kind] if resource != "absent" else ("*",):
            decision = ask(
                kind,
                identity=layer(identity) or (),
                boundary=layer(boundary),
                session=layer(session),
                endpoint=None if endpoint == "absent" else policy(endpoint, "*"),
                resource=() if resource == "absent" else policy(resource, principal),
            )
            words = (identity, boundary, session, endpoint, resource)
            if "Deny" in words:
                expected = False
            else:
                limits = all(word in ("Allow", "absent") for word in (boundary, session))
                own = (identity == "Allow" or kind == "root") and limits
                granted = resource == "Allow" and (
                    principal in (USER, SESSION)
                    or (principal == "*" and kind != "session")
                    or (principal in (ROLE, "*") and limits)
                )
                expected = (own or granted) and endpoint in ("Allow", "absent")
            assert decision.allowed is expected, (words, principal, decision)
            assert decision.explicit is ("Deny" in words)


def test_the_reason_is_the_layer_that_lacks_an_allow() -> None:
    allow, silent = policy("Allow"), policy("silent")
    assert ask("user").layer == "identity"
    assert ask("user", identity=allow, boundary=silent).layer == "boundary"
    assert ask("user", identity=allow, boundary=()).layer == "boundary"
    assert ask("session", identity=allow, session=silent).layer == "session"
    assert ask("user", identity=allow, endpoint=policy("silent", "*")).layer == "endpoint"
    assert ask("user", identity=policy("Deny"), boundary=silent).layer == "identity"
    denied = ask("user", identity=allow, resource=policy("Deny", USER))
    assert (denied.layer, denied.explicit, denied.matches[0].position) == ("resource", True, 0)


def test_what_a_resource_governs_needs_its_word() -> None:
    allow = policy("Allow")
    assert ask("user", identity=allow, governed=True).layer == "resource"
    assert ask("user", identity=allow, resource=policy("Allow", ROOT), governed=True).allowed
    assert not ask("user", resource=policy("Allow", ROOT), governed=True).allowed
    assert ask("user", resource=policy("Allow", USER), governed=True).allowed
    assert ask("root", resource=policy("Allow", ACCOUNT), governed=True).allowed
    assert not ask("root", resource=policy("Allow", USER), governed=True).allowed


def test_principals_name_whom_they_name() -> None:
    for kind, principal, named in (
        ("user", "arn:aws:iam::123456789012:user/bob", False),
        ("user", "210987654321", False),
        ("session", ROLE, True),
        ("session", SESSION, True),
        ("session", USER, False),
    ):
        assert ask(kind, resource=policy("Allow", principal)).allowed is named  # type: ignore[arg-type]
    statement = {"Effect": "Deny", "NotPrincipal": {"AWS": USER}, "Action": "*", "Resource": "*"}
    spared = (named_policy("p", json.dumps({"Statement": statement})),)
    assert ask("user", identity=policy("Allow"), resource=spared).allowed
    assert ask("session", identity=policy("Allow"), resource=spared).explicit


def test_services_are_named_as_services() -> None:
    def trusted(principal: Any) -> bool:
        statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
        trust = (named_policy("t", json.dumps({"Statement": statement})),)
        caller = Caller(kind="service", account=ACCOUNT, service="ecs-tasks.amazonaws.com")
        question = Question(caller=caller, action="sts:AssumeRole", resource=ROLE)
        return decide(question, Policies(resource=trust, governed=True)).allowed

    assert trusted({"Service": ["ecs.amazonaws.com", "ecs-tasks.amazonaws.com"]})
    assert trusted("*")
    assert not trusted({"Service": "ecs.amazonaws.com"})
    assert not trusted({"AWS": "*"})


# -- at random

ACTIONS = ("s3:GetObject", "s3:PutObject", "ec2:DescribeVpcs", "ecs:RunTask")
RESOURCES = (
    "*",
    "arn:aws:s3:::bucket/home/ann/x",
    "arn:aws:s3:::bucket/home/*",
    "arn:aws:ec2:eu-west-1:123456789012:vpc/vpc-1",
    "arn:aws:ecs:us-east-1:123456789012:task-definition/web:3",
    "arn:aws:ecs:us-a:b-1:1:task-definition/web:3",  # a star that leaves its segment would match it
)
action_patterns = st.sampled_from(
    ["*", "s3:*", "S3:get*", "s3:GetObject", "s3:???Object", "ec2:*Vpc?", "ecs:Run*", "*:*", "e*:*"]
)
resource_patterns = st.sampled_from(
    [
        *(
            "*",
            "arn:aws:s3:::bucket/*",
            "arn:aws:s3:::bucket/home/${aws:username}/*",
            "arn:aws:s3:::bucket/home/${*}",
        ),
        *(
            "arn:aws:ec2:*:*:vpc/*",
            "arn:aws:e*:*",
            "arn:*:*-*-1:*",
            "arn:aws:ec?:us-*-1:*:task-definition/web:?",
        ),
        *("arn:aws:s3:::bucket/home/${aws:PrincipalTag/home, 'ann'}/?", "arn:aws:s3*", "arn:aws:e*s:*:*:*/*"),
    ]
)
KEYS = (
    "aws:username",
    "aws:PrincipalTag/home",
    "aws:TagKeys",
    "aws:SourceIp",
    "n:Count",
    "d:Day",
    "b:On",
    "a:Arn",
)
VALUES: dict[str, Sequence[str]] = {
    "String": ("ann", "Ann", "a*", "bob", "${aws:username}", "x${*}", "", "${aws:nothing}"),
    "Numeric": ("1", "2", "10.5"),
    "Date": ("2026-01-01T00:00:00Z", "2026-06-01T12:00:00+02:00", "1767225600"),
    "Ip": ("203.0.113.0/24", "203.0.113.7", "2001:db8::/32"),
    "Bool": ("true", "false"),
    "Binary": ("QQ==", "Qg=="),
    "Arn": ("arn:aws:ecs:*:*:cluster/*", "arn:aws:ecs:eu-west-1:1:cluster/${aws:username}", "*"),
}
GIVEN: dict[str, Sequence[str]] = VALUES | {
    "String": ("ann", "Ann", "bob", "x*", ""),
    "Ip": ("203.0.113.7", "198.51.100.1", "2001:db8::5"),
    "Arn": ("arn:aws:ecs:eu-west-1:1:cluster/ann", "arn:aws:ecs:eu-west-1:1:service/x", "arn"),
}
KIND_OF_KEY = dict(
    zip(KEYS, ("String", "String", "String", "Ip", "Numeric", "Date", "Bool", "Arn"), strict=True)
)
OPERATORS_OF = {
    "String": ("StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringLike", "StringNotLike"),
    "Numeric": ("NumericEquals", "NumericNotEquals", "NumericLessThan", "NumericGreaterThanEquals"),
    "Date": ("DateEquals", "DateNotEquals", "DateLessThan", "DateGreaterThanEquals"),
    "Ip": ("IpAddress", "NotIpAddress"),
    "Bool": ("Bool",),
    "Arn": ("ArnEquals", "ArnNotEquals", "ArnLike", "ArnNotLike"),
}


@st.composite
def conditions(draw: st.DrawFn) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key in draw(st.lists(st.sampled_from(KEYS), max_size=2, unique=True)):
        kind = KIND_OF_KEY[key]
        if draw(st.integers(0, 7)) == 0:
            found.setdefault("Null", {})[key] = draw(st.sampled_from(["true", "false"]))
            continue
        operator = draw(st.sampled_from(OPERATORS_OF[kind]))
        operator = draw(st.sampled_from(["", "", "ForAllValues:", "ForAnyValue:"])) + operator
        operator += draw(st.sampled_from(["", "", "IfExists"]))
        wanted = draw(st.lists(st.sampled_from(VALUES[kind]), min_size=1, max_size=2))
        found.setdefault(operator, {})[key.swapcase()] = wanted
    return found


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    statements = []
    for _ in range(draw(st.integers(1, 3))):
        statement: dict[str, Any] = {"Effect": draw(st.sampled_from(["Allow", "Allow", "Deny"]))}
        for name, patterns in (("Action", action_patterns), ("Resource", resource_patterns)):
            chosen = draw(st.lists(patterns, min_size=1, max_size=2))
            negated = draw(st.integers(0, 3)) == 0
            statement[f"Not{name}" if negated else name] = chosen if len(chosen) > 1 else chosen[0]
        condition = draw(conditions())
        if condition:
            statement["Condition"] = condition
        statements.append(statement)
    version = draw(st.sampled_from(["2012-10-17", "2012-10-17", "2008-10-17"]))
    return {"Version": version, "Statement": statements if len(statements) > 1 else statements[0]}


@st.composite
def contexts(draw: st.DrawFn) -> Context:
    context: Context = {}
    for key in draw(st.lists(st.sampled_from(KEYS), unique=True)):
        most = 3 if key == "aws:TagKeys" else 1
        context[key] = draw(st.lists(st.sampled_from(GIVEN[KIND_OF_KEY[key]]), min_size=1, max_size=most))
    return context


layers_of = st.one_of(st.none(), st.lists(documents(), max_size=2))


@pytest.mark.thorough
@settings(max_examples=600, deadline=None)
@given(
    action=st.sampled_from(ACTIONS),
    resource=st.sampled_from(RESOURCES),
    context=contexts(),
    identity=st.lists(documents(), max_size=2),
    boundary=layers_of,
    session=layers_of,
)
def test_random_policies_decide_as_the_written_logic(
    action: str,
    resource: str,
    context: Context,
    identity: list[dict[str, Any]],
    boundary: list[dict[str, Any]] | None,
    session: list[dict[str, Any]] | None,
) -> None:
    def named(found: list[dict[str, Any]] | None) -> tuple[Policy, ...] | None:
        return None if found is None else tuple(named_policy("p", json.dumps(one)) for one in found)

    question = Question(
        caller=CALLERS["session"],
        action=action,
        resource=resource,
        context={key.lower(): tuple(values) for key, values in context.items()},
    )
    decision = decide(
        question,
        Policies(identity=named(identity) or (), boundary=named(boundary), session=named(session)),
    )
    said = [
        effects(found, action, resource, context)
        for found in (identity, boundary, session)
        if found is not None
    ]
    assert decision.explicit is any("Deny" in words for words in said)
    assert decision.allowed is (not decision.explicit and all("Allow" in words for words in said))


# -- against moto


@st.composite
def plain_documents(draw: st.DrawFn) -> dict[str, Any]:
    """What moto's evaluator and AWS's agree on: no conditions, variables, NotResource, ? or other case."""
    statements = [
        {
            "Effect": draw(st.sampled_from(["Allow", "Allow", "Deny"])),
            draw(st.sampled_from(["Action", "Action", "NotAction"])): draw(
                st.lists(
                    st.sampled_from(["*", "s3:*", "s3:GetObject", "ec2:*", "ecs:Run*"]),
                    min_size=1,
                    max_size=2,
                )
            ),
            "Resource": draw(st.sampled_from(["*", "arn:aws:s3:::bucket/*", "arn:aws:ec2:*:*:vpc/*"])),
        }
        for _ in range(draw(st.integers(1, 4)))
    ]
    return {"Version": "2012-10-17", "Statement": statements}


def moto_says(documents_: list[dict[str, Any]], action: str, resource: str) -> str:
    control = pytest.importorskip("moto.iam.access_control", reason="moto comes with the extra `bench`")
    results = {
        control.IAMPolicy(json.dumps(one)).is_action_permitted(action, resource).name for one in documents_
    }
    return "DENIED" if "DENIED" in results else "PERMITTED" if "PERMITTED" in results else "NEUTRAL"


def we_say(documents_: list[dict[str, Any]], action: str, resource: str, **context: str) -> str:
    question = Question(
        caller=CALLERS["user"],
        action=action,
        resource=resource,
        context={key: (value,) for key, value in context.items()},
    )
    policies = tuple(named_policy("p", json.dumps(one)) for one in documents_)
    decision = decide(question, Policies(identity=policies))
    return "DENIED" if decision.explicit else "PERMITTED" if decision.allowed else "NEUTRAL"


@settings(max_examples=examples(300), deadline=None)
@given(
    found=st.lists(plain_documents(), min_size=1, max_size=3),
    action=st.sampled_from(ACTIONS),
    resource=st.sampled_from(RESOURCES),
)
def test_plain_policies_decide_as_motos_evaluator(
    found: list[dict[str, Any]], action: str, resource: str
) -> None:
    assert we_say(found, action, resource) == moto_says(found, action, resource)


DIFFERENCES = [
    # AWS's documentation, the statement, the question, our answer, moto's
    (
        "a condition on a key that is missing is not fulfilled; moto passes over it",
        {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"StringEquals": {"aws:x": "y"}}},
        ("s3:GetObject", "*"),
        ("NEUTRAL", "PERMITTED"),
    ),
    (
        "NotResource excludes; moto does not look at it",
        {"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::bucket/*"},
        ("s3:GetObject", "arn:aws:s3:::bucket/x"),
        ("NEUTRAL", "PERMITTED"),
    ),
    (
        "actions are compared without regard to case",
        {"Effect": "Allow", "Action": "S3:getobject", "Resource": "*"},
        ("s3:GetObject", "*"),
        ("PERMITTED", "NEUTRAL"),
    ),
    (
        "? is one character; moto hands it to a regular expression",
        {"Effect": "Allow", "Action": "s3:GetObjec?", "Resource": "*"},
        ("s3:GetObject", "*"),
        ("PERMITTED", "NEUTRAL"),
    ),
    (
        "a dot is a dot",
        {"Effect": "Allow", "Action": "*", "Resource": "arn:aws:s3:::my.bucket"},
        ("s3:GetObject", "arn:aws:s3:::my-bucket"),
        ("NEUTRAL", "PERMITTED"),
    ),
]


@pytest.mark.parametrize(("why", "statement", "asked", "answers"), DIFFERENCES)
def test_where_motos_evaluator_differs(
    why: str, statement: dict[str, Any], asked: tuple[str, str], answers: tuple[str, str]
) -> None:
    found = [{"Version": "2012-10-17", "Statement": statement}]
    assert (we_say(found, *asked), moto_says(found, *asked)) == answers, why


def test_the_written_logic_lists_what_stands_alone() -> None:
    assert listed("a") == ["a"] and listed(["a"]) == ["a"]
