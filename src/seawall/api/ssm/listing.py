"""Lists of parameters: by path, and described by filters."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from seawall.api.page import InvalidToken, take_page
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.api.ssm.names import check_name, is_below, parameter_arn
from seawall.api.ssm.value import shown
from seawall.model.parameter import Parameter
from seawall.wire.errors import ApiError, NotImplementedHere

T = TypeVar("T")


@operation("ssm", "GetParametersByPath")
def get_parameters_by_path(call: Call, params: Params) -> dict[str, Any]:
    path, recursive = params["Path"], params.get("Recursive", False)
    if not path.startswith("/"):
        raise ApiError(
            "ValidationException",
            "The parameter doesn't meet the parameter name requirements. The parameter name must begin with a"
            ' forward slash "/". It can\'t be prefixed with \\"aws\\" or \\"ssm\\" (case-insensitive). It'
            " must use only letters, numbers, or the following symbols: . (period), - (hyphen), _"
            " (underscore). Special characters are not allowed. All sub-paths, if specified, must use the"
            ' forward slash symbol "/". Valid example: /get/parameters2-/by1./path0_.',
        )
    if path.strip("/"):
        check_name(path.rstrip("/"))
    filters = _checked(params.get("ParameterFilters") or (), ("Type", "KeyId", "Label"))
    below = [p for p in call.store.all(Parameter) if is_below(p.id, path, recursive)]
    found = [p for p in below if all(_passes(p, each) for each in filters)]
    page, token = page_of(found, params, 10, lambda parameter: parameter.id)
    decrypted = params.get("WithDecryption", False)
    told = [shown(call, call.store, parameter, parameter.newest, decrypted) for parameter in page]
    return {"Parameters": told} | ({"NextToken": token} if token else {})


@operation("ssm", "DescribeParameters", refused={"Shared": "nothing is shared between accounts"})
def describe_parameters(call: Call, params: Params) -> dict[str, Any]:
    old, new = params.get("Filters") or (), params.get("ParameterFilters") or ()
    if old and new:
        raise ApiError(
            "ValidationException", "You can use either Filters or ParameterFilters in a single request."
        )
    if params.get("Shared"):
        raise NotImplementedHere("DescribeParameters: nothing is shared between accounts.")
    filters = [{"Key": f["Key"], "Option": "BeginsWith", "Values": f["Values"]} for f in old]
    filters += _checked(new, ("Path", "Name", "Type", "KeyId", "Tier", "DataType"))
    found = [p for p in call.store.all(Parameter) if all(_passes(p, each) for each in filters)]
    page, token = page_of(found, params, 50, lambda parameter: parameter.id)
    return {"Parameters": [_described(call, p) for p in page]} | ({"NextToken": token} if token else {})


def _described(call: Call, parameter: Parameter) -> dict[str, Any]:
    newest = parameter.newest
    known = {
        "KeyId": newest.key_name,
        "Description": newest.description,
        "AllowedPattern": newest.allowed_pattern,
    }
    return {
        "Name": parameter.id,
        "ARN": parameter_arn(call, parameter.id),
        "Type": newest.type,
        "LastModifiedDate": newest.modified_at,
        "LastModifiedUser": newest.modified_by,
        "Version": newest.number,
        "Tier": newest.tier,
        "Policies": [],
        "DataType": newest.data_type,
    } | {member: value for member, value in known.items() if value is not None}


def page_of(
    items: Sequence[T], params: Params, usual: int, key: Callable[[T], str]
) -> tuple[list[T], str | None]:
    """Raises ApiError InvalidNextToken."""
    try:
        return take_page(items, params.get("MaxResults", usual), params.get("NextToken"), key)
    except InvalidToken:
        raise ApiError("InvalidNextToken", "The specified token is not valid.") from None


def _checked(filters: Iterable[Any], keys: tuple[str, ...]) -> list[dict[str, Any]]:
    """The filters as plain dicts.  Raises ApiError for keys this list does not have."""
    plain = [{"Key": f["Key"], "Option": f.get("Option"), "Values": f.get("Values") or []} for f in filters]
    for each in plain:
        if each["Key"] not in keys and not each["Key"].startswith("tag:"):
            shown_keys = ", ".join(key for key in keys if key not in ("Label", "DataType"))
            raise ApiError(
                "InvalidFilterKey",
                f"The following filter key is not valid: {each['Key']}. Valid filter keys include:"
                f" [{shown_keys}].",
            )
        if each["Option"] not in (None, "Equals", "BeginsWith", "Contains", "Recursive", "OneLevel"):
            raise ApiError(
                "InvalidFilterOption",
                f"The following filter option is not valid: {each['Option']}. Valid options include:"
                " [BeginsWith, Equals].",
            )
    return plain


def _passes(parameter: Parameter, wanted: dict[str, Any]) -> bool:
    key, option, values = wanted["Key"], wanted["Option"], wanted["Values"]
    if key == "Path":
        return any(is_below(parameter.id, path, option == "Recursive") for path in values)
    if key == "Label":
        return any(label in version.labels for version in parameter.versions for label in values)
    if key.startswith("tag:"):
        text = parameter.tags.get(key[4:])
        return text is not None and (not values or text in values)
    newest = parameter.newest
    texts = {
        "Name": parameter.id,
        "Type": newest.type,
        "KeyId": newest.key_name or "",
        "Tier": newest.tier,
        "DataType": newest.data_type,
    }
    return any(_fits(texts[key], option, value) for value in values)


def _fits(text: str, option: str | None, value: str) -> bool:
    if option == "BeginsWith":
        return text.startswith(value)
    return value in text if option == "Contains" else text == value
