"""Every form of the filter pattern language, from the examples of the CloudWatch Logs User Guide."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.api.logs.filter_pattern import InvalidPattern, compile_pattern, split_fields


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        ("", ["", "anything"], []),
        ("ERROR", ["[ERROR 400] BAD REQUEST"], ["error", "WARN"]),
        ("ERROR ARGUMENTS", ["ERROR INVALID ARGUMENTS", "ARGUMENTS ERROR"], ["ERROR", "ARGUMENTS"]),
        ("?ERROR ?ARGUMENTS", ["ERROR", "ARGUMENTS"], ["WARN"]),
        ("?ERROR ?ARGUMENTS REQUEST", ["REQUEST", "ERROR REQUEST"], ["ERROR ARGUMENTS"]),
        ('"INTERNAL SERVER ERROR"', ["500 INTERNAL SERVER ERROR"], ["INTERNAL ERROR"]),
        (r'"say \"hi\""', ['they say "hi"'], ["say hi"]),
        ("ERROR -ARGUMENTS", ["ERROR 400"], ["ERROR ARGUMENTS", "fine"]),
        ('-"GET /health"', ["GET /"], ["GET /health"]),
        (r"%AUTHORIZED%", ["UNAUTHORIZED"], ["authorized"]),
        (r"%^\d{3} [A-Z]+%", ["404 NOT"], ["x 404 NOT", "404 not"]),
        (r"-%4\d\d%", ["200"], ["404"]),
    ],
)
def test_terms(pattern: str, matching: list[str], other: list[str]) -> None:
    matches = compile_pattern(pattern)
    assert [matches(text) for text in matching] == [True] * len(matching)
    assert [matches(text) for text in other] == [False] * len(other)


EVENT: dict[str, Any] = {
    "eventType": "UpdateTrail",
    "sourceIPAddress": "123.123.1.2",
    "arrayKey": ["value", "another value"],
    "objectList": [{"name": "a", "id": 1}, {"name": "b", "id": 2}],
    "SomeObject": None,
    "cluster": {"deep": {"name": "c"}},
    "bandwidth": 1.5e3,
    "text": "75",
    "on": True,
    "off": False,
    "odd name": 1,
}


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ('{ $.eventType = "UpdateTrail" }', True),
        ("{ $.eventType = UpdateTrail }", True),
        ('{ $.eventType = "Update*" }', True),
        ("{ $.eventType = *Trail }", True),
        ('{ $.eventType != "UpdateTrail" }', False),
        ('{ $.missing != "x" }', False),
        ("{ $.sourceIPAddress != 123.123.* }", False),
        ("{ $.sourceIPAddress = 123.123.* }", True),
        (r"{ $.sourceIPAddress = %123\.123\.[0-9]\.2% }", True),
        ('{ $.arrayKey[0] = "value" }', True),
        ('{ $.arrayKey[2] = "value" }', False),
        ('{ $.arrayKey[*] = "another*" }', True),
        ("{ $.objectList[1].id = 2 }", True),
        ("{ $.objectList[*].id > 1 }", True),
        ("{ $.objectList[*].id > 2 }", False),
        ("{ $.cluster.*.name = c }", True),
        ("{ $.SomeObject IS NULL }", True),
        ("{ $.missing IS NULL }", False),
        ("{ $.missing NOT EXISTS }", True),
        ("{ $.SomeObject NOT EXISTS }", False),
        ("{ $.on IS TRUE }", True),
        ("{ $.off is false }", True),
        ("{ $.off IS TRUE }", False),
        ("{ $.bandwidth = 1500 }", True),
        ("{ $.bandwidth >= 1.5e3 }", True),
        ("{ $.bandwidth < 1500 }", False),
        ("{ $.text > 74 }", True),
        ("{ $.text = 75 }", True),
        ("{ $['odd name'] = 1 }", True),
        ("{ ($.on IS TRUE) && ($.text = 75) }", True),
        ("{ $.on IS TRUE && $.text = 7 || $.bandwidth > 1 }", True),
        ("{ $.on IS TRUE && ($.text = 7 || $.bandwidth < 1) }", False),
        ("{ $.cluster = * }", False),
    ],
)
def test_json(pattern: str, expected: bool) -> None:
    assert compile_pattern(pattern)(json.dumps(EVENT)) is expected


@pytest.mark.parametrize("message", ["no json", '"text"', "12", "{", "[" * 100_000])
def test_json_patterns_pass_over_what_is_no_json(message: str) -> None:
    assert not compile_pattern("{ $.a NOT EXISTS }")(message)


LINE = '127.0.0.1 Prod frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534'


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("[ip, server, username, timestamp, request, status_code, bytes]", True),
        ("[ip, server, username, timestamp, request, status_code = 4*, bytes > 1000]", True),
        ("[ip, server, username, timestamp, request = *html*, status_code = 4*, bytes]", True),
        ("[..., request = *html*, status_code = 4*, bytes]", True),
        ("[ip = 127.0.0.1, ..., bytes >= 1534]", True),
        ("[ip, ...]", True),
        ("[...]", True),
        ("[..., bytes < 1534]", False),
        ("[..., status_code != 404, bytes]", False),
        ("[..., status_code = 5* || status_code = 404, bytes]", True),
        ("[..., status_code = 4* && status_code != 404, bytes]", False),
        (r"[ip = %127\.0\.0\.[0-9]%, ...]", True),
        ('[..., timestamp = "10/Oct*", request, status_code, bytes]', True),
        ("[ip, server]", False),
        ("[a, b, c, d, e, f, g, h]", False),
        ("[a, b, c, d, ..., e, f, g, h]", False),
    ],
)
def test_fields(pattern: str, expected: bool) -> None:
    assert compile_pattern(pattern)(LINE) is expected


def test_fields_in_quotes_and_brackets_are_one() -> None:
    assert split_fields(LINE)[3:5] == ["10/Oct/2000:13:25:15 -0700", "GET /index.html HTTP/1.0"]


@pytest.mark.parametrize(
    "pattern",
    [
        *('"open', "%open", "a.b", "%(a)%", "%!%", "%[%", "%%", "%a*b*c*d*e*f*g*%"),
        *("{ $.a }", "{ $.a = }", "{ $.a = 1", "{ $.a = 1 } x", "{ a = 1 }", "{ $.a > x }", "{ $ = 1 }"),
        *("{ $.a[x] = 1 }", "{ $.a = 1 && }", "{" + "(" * 60, "{ $.a IS MAYBE }"),
        *("[", "[a", "[a,]", "[a = 1 && b = 2]", "[..., a, ...]", "[a] x", "[=1]"),
    ],
)
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(InvalidPattern):
        compile_pattern(pattern)


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_text_is_a_pattern_or_refused(pattern: str, message: str) -> None:
    try:
        matches = compile_pattern(pattern)
    except InvalidPattern:
        return
    assert matches(message) in (True, False)


@given(st.text(alphabet="{}[]()$.*=!<>&|\"'% ab01,?-\\NOTEXISUL", max_size=40), st.text(max_size=20))
def test_any_mixture_of_the_signs_is_a_pattern_or_refused(pattern: str, message: str) -> None:
    test_any_text_is_a_pattern_or_refused.hypothesis.inner_test(pattern, message)


@given(
    st.lists(st.text(alphabet='abc "\\%', min_size=1, max_size=8), min_size=1, max_size=4),
    st.text(max_size=40),
)
def test_quoted_terms_are_looked_for_as_they_are(terms: list[str], message: str) -> None:
    quoted = " ".join('"' + re.sub(r'(["\\])', r"\\\1", term) + '"' for term in terms)
    assert compile_pattern(quoted)(message) == all(term in message for term in terms)
    assert compile_pattern(quoted)(message + "".join(terms))


JSON_VALUES = st.one_of(st.text(max_size=8), st.integers(-1000, 1000), st.booleans(), st.none())


@given(st.dictionaries(st.sampled_from("abc"), JSON_VALUES), st.integers(-1000, 1000))
def test_json_comparisons_agree_with_python(event: dict[str, Any], bound: int) -> None:
    value = event.get("a")
    if isinstance(value, str):
        return
    is_number = isinstance(value, int) and not isinstance(value, bool)
    message = json.dumps(event)
    assert compile_pattern(f"{{ $.a > {bound} }}")(message) == (is_number and value > bound)
    assert compile_pattern(f"{{ $.a = {bound} }}")(message) == (is_number and value == bound)
    assert compile_pattern("{ $.a NOT EXISTS }")(message) == ("a" not in event)
    assert compile_pattern("{ $.a IS NULL }")(message) == ("a" in event and value is None)


@given(st.text(alphabet="ab*", max_size=10), st.text(alphabet="ab", max_size=10))
def test_wildcards_agree_with_an_expression(pattern: str, value: str) -> None:
    expression = ".*".join(map(re.escape, pattern.split("*")))
    wanted = re.fullmatch(expression, value) is not None
    assert compile_pattern(f'{{ $.a = "{pattern}" }}')(json.dumps({"a": value})) == wanted
