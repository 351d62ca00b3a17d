"""Parameters: get by name, version or label; delete."""

from typing import Any

from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.api.ssm.names import (
    check_name,
    find_parameter,
    look_up_parameter,
    pick_version,
    split_selector,
)
from seawall.api.ssm.value import shown
from seawall.model.parameter import Parameter, ParameterVersion
from seawall.wire.errors import ApiError


@operation("ssm", "GetParameter")
def get_parameter(call: Call, params: Params) -> dict[str, Any]:
    wanted, decrypted = params["Name"], params.get("WithDecryption", False)
    name, selector = split_selector(wanted)
    check_name(name)
    parameter = look_up_parameter(call.store, wanted)
    if parameter is None:
        raise ApiError("ParameterNotFound", f"Parameter {wanted} not found.")
    version = pick_version(parameter, selector)
    if version is None:
        what = f"version {selector}" if (selector or "").isdecimal() else f"label {selector}"
        raise ApiError(
            "ParameterVersionNotFound",
            f"Systems Manager could not find {what} of {name}. Verify the version and try again.",
        )
    return {"Parameter": _selected(call, parameter, version, selector, decrypted)}


def _selected(
    call: Call, parameter: Parameter, version: ParameterVersion, selector: str | None, decrypted: bool
) -> dict[str, Any]:
    found = shown(call, call.store, parameter, version, decrypted)
    return found | ({"Selector": f":{selector}"} if selector else {})


@operation("ssm", "GetParameters")
def get_parameters(call: Call, params: Params) -> dict[str, Any]:
    decrypted, found, invalid = params.get("WithDecryption", False), [], []
    for wanted in dict.fromkeys(params["Names"]):
        name, selector = split_selector(wanted)
        check_name(name)
        parameter = look_up_parameter(call.store, wanted)
        version = pick_version(parameter, selector) if parameter else None
        if parameter is None or version is None:
            invalid.append(wanted)
        else:
            found.append(_selected(call, parameter, version, selector, decrypted))
    return {"Parameters": found, "InvalidParameters": invalid}


@operation("ssm", "DeleteParameter")
def delete_parameter(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        txn.delete(Parameter, find_parameter(txn, params["Name"]).id)
    return {}


@operation("ssm", "DeleteParameters")
def delete_parameters(call: Call, params: Params) -> dict[str, Any]:
    deleted, invalid = [], []
    with call.write() as txn:
        for name in dict.fromkeys(params["Names"]):
            if txn.find(Parameter, name):
                txn.delete(Parameter, name)
                deleted.append(name)
            else:
                invalid.append(name)
    return {"DeletedParameters": deleted, "InvalidParameters": invalid}
