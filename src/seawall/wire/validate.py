"""Parameters against the constraints of the service's model, refused in the service's words.

What is checked, and what is left to the operations, because AWS words it there:
- required members, at every depth, except the subnets of an ECS network configuration, for which ECS has a
  text of its own
- lengths, ranges and patterns where the model has them
- enums: for the services whose front end checks them (IAM, STS, Logs, ECR); ECS and EC2 check values
  themselves, with texts of their own
Types were checked when the request was parsed.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any

from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

from seawall.wire.constraints import Check, Violation, constraints
from seawall.wire.errors import ApiError
from seawall.wire.service import Service


def validate(service: Service, operation: OperationModel, params: dict[str, Any]) -> None:
    """Raises ApiError when the parameters break a constraint of the model."""
    shape = operation.input_shape
    if shape is None:
        return
    rules = _rules(service)
    violations = list(rules.check(shape)(params, ""))
    if violations:
        raise rules.refuse(operation.name, violations)


class Rules:
    """The checks of one service's shapes, compiled once; `None` stands for "nothing to check"."""

    checks_enums = True
    worded_elsewhere: frozenset[str] = frozenset()  # shapes whose missing members the operations word

    def __init__(self) -> None:
        self._structures: dict[str, Check | None] = {}

    def refuse(self, operation: str, violations: list[Violation]) -> ApiError:
        """The answer to a request with these violations."""
        return ApiError("ValidationException", _list_all(violations))

    def path(self, parent: str, key: str, shape: Shape) -> str:
        """The front ends name members in lower camel case."""
        name = key[:1].lower() + key[1:]
        return f"{parent}.{name}" if parent else name

    def list_path(self, parent: str, number: int) -> str:
        return f"{parent}.{number}.member"

    def check(self, shape: StructureShape) -> Check:
        """The check of a whole request."""
        return self._nested(shape) or _nothing

    def _any(self, shape: Shape) -> Check | None:
        if isinstance(shape, StructureShape):
            return None if shape.is_document_type else self._nested(shape)
        own = constraints(shape, enums=self.checks_enums)
        if isinstance(shape, ListShape):
            return self._list(shape, own)
        if isinstance(shape, MapShape):
            return self._map(shape, own)
        return own

    def _nested(self, shape: StructureShape) -> Check | None:
        if shape.name not in self._structures:
            # A shape that contains itself finds this, and asks again when it is used.
            self._structures[shape.name] = lambda value, path: (self._structures[shape.name] or _nothing)(
                value, path
            )
            self._structures[shape.name] = self._structure(shape)
        return self._structures[shape.name]

    def _structure(self, shape: StructureShape) -> Check | None:
        members = {
            key: (member, check)
            for key, member in shape.members.items()
            if (check := self._any(member)) is not None
        }
        required = () if shape.name in self.worded_elsewhere else tuple(shape.required_members)
        if not members and not required:
            return None

        def check_structure(value: Any, path: str) -> Iterator[Violation]:
            for key in required:
                if key not in value:
                    member = shape.members[key]
                    yield Violation(
                        "required", self.path(path, key, member), None, "Member must not be null", member
                    )
            for key, item in value.items():
                known = members.get(key)
                if known is not None:
                    yield from known[1](item, self.path(path, key, known[0]))

        return check_structure

    def _list(self, shape: ListShape, own: Check | None) -> Check:
        each = self._any(shape.member)

        def check_list(value: Any, path: str) -> Iterator[Violation]:
            if own is not None:
                yield from own(value, path)
            for number, item in enumerate(value, 1):
                if item is None:
                    yield Violation(
                        "required",
                        self.list_path(path, number),
                        None,
                        "Member must not be null",
                        shape.member,
                    )
                elif each is not None:
                    yield from each(item, self.list_path(path, number))

        return check_list

    def _map(self, shape: MapShape, own: Check | None) -> Check:
        keys, values = self._any(shape.key), self._any(shape.value)

        def check_map(value: Any, path: str) -> Iterator[Violation]:
            if own is not None:
                yield from own(value, path)
            for key, item in value.items():
                if keys is not None:
                    yield from keys(key, f"{path}.{key}.key")
                if item is None:
                    yield Violation(
                        "required", f"{path}.{key}.member", None, "Member must not be null", shape.value
                    )
                elif values is not None:
                    yield from values(item, f"{path}.{key}.member")

        return check_map


class LogsRules(Rules):
    def refuse(self, operation: str, violations: list[Violation]) -> ApiError:
        return ApiError("InvalidParameterException", _list_all(violations))


class Route53Rules(Rules):
    def refuse(self, operation: str, violations: list[Violation]) -> ApiError:
        return ApiError("InvalidInput", _list_all(violations))


class EcsRules(Rules):
    checks_enums = False
    worded_elsewhere = frozenset({"AwsVpcConfiguration"})  # "subnets can not be empty."

    def refuse(self, operation: str, violations: list[Violation]) -> ApiError:
        code = "ClientException" if operation == "RegisterTaskDefinition" else "InvalidParameterException"
        return ApiError(code, _list_all(violations))


class EcrRules(Rules):
    def refuse(self, operation: str, violations: list[Violation]) -> ApiError:
        first = violations[0]
        constraint = first.text
        if first.kind == "pattern":
            pattern = _pattern(first.shape).replace(r"\/", "/")  # as the service shows it
            constraint = f"must satisfy regular expression '{pattern}'"
        return ApiError(
            "InvalidParameterException",
            f"Invalid parameter at '{first.path}' failed to satisfy constraint: '{constraint}'",
        )


class QueryRules(Rules):
    """IAM and STS."""

    def refuse(self, operation: str, violations: list[Violation]) -> ApiError:
        first = violations[0]
        if first.kind == "pattern" and _pattern(first.shape) == r"[\w+=,.@-]+":
            return ApiError(
                "ValidationError",
                f"The specified value for {first.path} is invalid. It must contain only alphanumeric "
                "characters and/or the following: +=,.@_-",
            )
        return ApiError("ValidationError", _list_all(violations))


class Ec2Rules(Rules):
    checks_enums = False

    def refuse(self, operation: str, violations: list[Violation]) -> ApiError:
        first = violations[0]
        if first.kind == "required":
            return ApiError("MissingParameter", f"The request must contain the parameter {first.path}")
        if first.kind == "range":
            limits: dict[str, Any] = first.shape.metadata
            expected = (
                f"greater than {limits['min']}"
                if first.value < limits.get("min", first.value)
                else f"smaller than or equal to {limits.get('max')}"
            )
            return ApiError(
                "InvalidParameterValue",
                f"Value ( {first.value} ) for parameter {first.path} is invalid. "
                f"Expecting a value {expected}.",
            )
        return ApiError(
            "InvalidParameterValue", f"Value ({_shown(first.value)}) for parameter {first.path} is invalid."
        )

    def path(self, parent: str, key: str, shape: Shape) -> str:
        name = str(shape.serialization.get("name", key))
        name = name[:1].lower() + name[1:]
        return f"{parent}.{name}" if parent else name

    def list_path(self, parent: str, number: int) -> str:
        return f"{parent}.{number}"


_RULES: dict[str, type[Rules]] = {
    "logs": LogsRules,
    "ecs": EcsRules,
    "ecr": EcrRules,
    "route53": Route53Rules,
}
_PROTOCOL_RULES: dict[str, type[Rules]] = {"ec2": Ec2Rules, "query": QueryRules}


@cache
def _rules(service: Service) -> Rules:
    return (_RULES.get(service.name) or _PROTOCOL_RULES.get(service.protocol, Rules))()


def _pattern(shape: Shape) -> str:
    return str(shape.metadata.get("pattern", ""))


def _list_all(violations: list[Violation]) -> str:
    """The sentence of AWS's common front end."""
    plural = "s" if len(violations) > 1 else ""
    each = "; ".join(
        f"Value {_quoted(one.value)} at '{one.path}' failed to satisfy constraint: {one.text}"
        for one in violations
    )
    return f"{len(violations)} validation error{plural} detected: {each}"


def _quoted(value: Any) -> str:
    return "null" if value is None else f"'{_shown(value)}'"


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_shown(item) for item in value)}]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return f"java.nio.HeapByteBuffer[pos=0 lim={len(value)} cap={len(value)}]"
    return str(value)


def _nothing(value: Any, path: str) -> Iterator[Violation]:
    return iter(())
