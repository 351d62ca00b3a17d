"""The history of a parameter, and labels on its versions."""

import re
from typing import Any

from msgspec.structs import replace

from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.api.ssm.listing import page_of
from seawall.api.ssm.names import find_parameter
from seawall.api.ssm.value import text_of
from seawall.model.parameter import Parameter, ParameterVersion
from seawall.wire.errors import ApiError

MOST_LABELS = 10
_LABEL = re.compile(r"[a-zA-Z0-9_.-]{1,100}")


@operation("ssm", "GetParameterHistory")
def get_parameter_history(call: Call, params: Params) -> dict[str, Any]:
    decrypted = params.get("WithDecryption", False)
    parameter = find_parameter(call.store, params["Name"])
    page, token = page_of(parameter.versions, params, 50, lambda version: f"{version.number:012d}")
    told = []
    for version in page:
        known = {
            "KeyId": version.key_name,
            "Description": version.description,
            "AllowedPattern": version.allowed_pattern,
        }
        told.append(
            {
                "Name": parameter.id,
                "Type": version.type,
                "Value": text_of(call, call.store, parameter, version, decrypted),
                "Version": version.number,
                "LastModifiedDate": version.modified_at,
                "LastModifiedUser": version.modified_by,
                "Labels": list(version.labels),
                "Tier": version.tier,
                "Policies": [],
                "DataType": version.data_type,
            }
            | {member: value for member, value in known.items() if value is not None}
        )
    return {"Parameters": told} | ({"NextToken": token} if token else {})


@operation("ssm", "LabelParameterVersion")
def label_parameter_version(call: Call, params: Params) -> dict[str, Any]:
    """A label that another version has moves here."""
    labels = list(dict.fromkeys(params["Labels"]))
    invalid = [
        label
        for label in labels
        if not _LABEL.fullmatch(label) or label[:1].isdigit() or label.lower().startswith(("aws", "ssm"))
    ]
    good = [label for label in labels if label not in invalid]
    with call.write() as txn:
        parameter = find_parameter(txn, params["Name"])
        number = params.get("ParameterVersion") or parameter.newest.number
        labelled = _numbered(parameter, number)
        if len({*labelled.labels, *good}) > MOST_LABELS:
            raise ApiError(
                "ParameterVersionLabelLimitExceeded",
                "A parameter version can have maximum 10 labels. Move one or more labels to another version"
                " and try again.",
            )
        versions = tuple(
            replace(
                v,
                labels=(
                    *(label for label in v.labels if label not in good),
                    *(good if v is labelled else ()),
                ),
            )
            for v in parameter.versions
        )
        txn.put(replace(parameter, versions=versions))
    return {"InvalidLabels": invalid, "ParameterVersion": number}


@operation("ssm", "UnlabelParameterVersion")
def unlabel_parameter_version(call: Call, params: Params) -> dict[str, Any]:
    labels = list(dict.fromkeys(params["Labels"]))
    with call.write() as txn:
        parameter = find_parameter(txn, params["Name"])
        labelled = _numbered(parameter, params["ParameterVersion"])
        versions = tuple(
            replace(v, labels=tuple(x for x in v.labels if x not in labels)) if v is labelled else v
            for v in parameter.versions
        )
        txn.put(replace(parameter, versions=versions))
    removed = [label for label in labels if label in labelled.labels]
    return {"RemovedLabels": removed, "InvalidLabels": [x for x in labels if x not in removed]}


def _numbered(parameter: Parameter, number: int) -> ParameterVersion:
    for version in parameter.versions:
        if version.number == number:
            return version
    raise ApiError(
        "ParameterVersionNotFound",
        f"Systems Manager could not find version {number} of {parameter.id}. Verify the version and try"
        " again.",
    )
