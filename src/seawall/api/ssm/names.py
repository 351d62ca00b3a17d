"""Names of parameters: what may be one, and how a name, an ARN, a version or a label finds one."""

import re

from seawall.api.registry import Call
from seawall.model.arn import parse_arn
from seawall.model.parameter import Parameter, ParameterVersion
from seawall.store.store import Reader
from seawall.wire.errors import ApiError

MOST_LEVELS = 15
LONGEST_NAME = 1011
_LEVEL = re.compile(r"[a-zA-Z0-9_.-]+")
_RESERVED = (
    'Parameter name: can\'t be prefixed with "ssm" (case-insensitive). If formed as a path, it can consist of'
    " sub-paths divided by slash symbol; each sub-path can be formed as a mix of letters, numbers and the"
    " following 3 symbols .-_"
)


def parameter_arn(call: Call, name: str) -> str:
    return call.arn(parameter_resource(name), service="ssm")


def parameter_resource(name: str) -> str:
    return f"parameter{name}" if name.startswith("/") else f"parameter/{name}"


def check_new_name(name: str) -> None:
    """Raises ApiError for what cannot be a parameter's name."""
    levels = name.lstrip("/").split("/")
    if "/" in name and not name.startswith("/"):
        raise ApiError("ValidationException", "Parameter name must be a fully qualified name.")
    if levels[0].lower().startswith("aws"):
        if name.startswith("/") and len(levels) > 1:
            raise ApiError("AccessDeniedException", f"No access to reserved parameter name: {name}.")
        raise ApiError(
            "ValidationException",
            'Parameter name: can\'t be prefixed with "aws" or "ssm" (case-insensitive).',
        )
    if levels[0].lower().startswith("ssm"):
        raise ApiError("ValidationException", _RESERVED)
    check_name(name)
    if len(levels) > MOST_LEVELS:
        raise ApiError(
            "HierarchyLevelLimitExceededException",
            f"A parameter hierarchy can have a maximum of {MOST_LEVELS} levels.",
        )
    if len(name) > LONGEST_NAME:
        raise ApiError("ValidationException", f"Parameter name is longer than {LONGEST_NAME} characters.")


def check_name(name: str) -> None:
    """Raises ApiError for a text that no parameter can have as its name."""
    if not all(_LEVEL.fullmatch(level) for level in name.removeprefix("/").split("/")):
        raise ApiError("ValidationException", _RESERVED)


def split_selector(wanted: str) -> tuple[str, str | None]:
    """name, name:3 and name:label, also behind an ARN, as the name and what is behind it."""
    arn = parse_arn(wanted)
    if arn is not None and arn.service == "ssm":
        rest = arn.resource.removeprefix("parameter")
        name, _, selector = rest.partition(":")
        return name, selector or None
    name, _, selector = wanted.partition(":")
    return name, selector or None


def look_up_parameter(reader: Reader, wanted: str) -> Parameter | None:
    """By name or ARN.  In an ARN, a name without a leading slash gets one: both may be meant."""
    name, _ = split_selector(wanted)
    found = reader.find(Parameter, name)
    if found is None and wanted.startswith("arn:"):
        found = reader.find(Parameter, name.removeprefix("/"))
    return found


def find_parameter(reader: Reader, name: str) -> Parameter:
    """Raises ApiError ParameterNotFound."""
    parameter = reader.find(Parameter, name)
    if parameter is None:
        raise ApiError("ParameterNotFound", f"Parameter {name} not found.")
    return parameter


def pick_version(parameter: Parameter, selector: str | None) -> ParameterVersion | None:
    """The version of a number or label, else the newest."""
    if selector is None:
        return parameter.newest
    if selector.isdecimal():
        return next((v for v in parameter.versions if v.number == int(selector)), None)
    return next((v for v in parameter.versions if selector in v.labels), None)


def is_below(name: str, path: str, recursive: bool) -> bool:
    """`/` is the path of every parameter, also of those whose names have no slash."""
    prefix = path if path.endswith("/") else f"{path}/"
    full = name if name.startswith("/") else f"/{name}"
    if not full.startswith(prefix):
        return False
    return recursive or "/" not in full[len(prefix) :]
