"""PutParameter: a new parameter, or a new version of one."""

import re
from typing import Any

from msgspec.structs import replace

from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.api.ssm.names import check_new_name
from seawall.api.ssm.tags import checked_tags
from seawall.api.ssm.value import DEFAULT_KEY, seal
from seawall.model.parameter import Parameter, ParameterVersion
from seawall.store.store import Transaction
from seawall.wire.errors import ApiError, NotImplementedHere

MOST_VERSIONS = 100
LIMITS = {"Standard": 4096, "Advanced": 8192}  # bytes of a value
_DATA_TYPES = ("text", "aws:ec2:image", "aws:ssm:integration")


@operation(
    "ssm",
    "PutParameter",
    refused={"Policies": "parameters have no policies (expiration, notification)"},
    note="A value of DataType aws:ec2:image is not looked up. Every parameter may have 4,096 bytes, an"
    " Advanced one 8,192.",
)
def put_parameter(call: Call, params: Params) -> dict[str, Any]:
    name, overwrite = params["Name"], params.get("Overwrite", False)
    if params.get("Policies"):
        raise NotImplementedHere("PutParameter: Seawall does not support Policies.")
    tags = {tag["Key"]: tag["Value"] for tag in params.get("Tags") or ()}
    if overwrite and tags:
        raise ApiError(
            "ValidationException",
            "Invalid request: tags and overwrite can't be used together. To create a parameter with tags,"
            " please remove overwrite flag. To update tags for an existing parameter, please use"
            " AddTagsToResource or RemoveTagsFromResource.",
        )
    check_new_name(name)
    with call.write() as txn:
        known = txn.find(Parameter, name)
        if known is not None and not overwrite:
            raise ApiError(
                "ParameterAlreadyExists",
                "The parameter already exists. To overwrite this value, set the overwrite option in the"
                " request to true.",
            )
        version = _new_version(call, txn, params, known)
        if known is None:
            txn.put(Parameter(id=name, versions=(version,), tags=checked_tags(tags)), expect=0)
        else:
            txn.put(replace(known, versions=(*_kept(known), version)))
    return {"Version": version.number, "Tier": version.tier}


def _new_version(call: Call, txn: Transaction, params: Params, known: Parameter | None) -> ParameterVersion:
    """What a version does not say it takes over from the one before.  Raises ApiError."""
    before = known.newest if known else None
    kind = params.get("Type") or (before.type if before else None)
    if kind is None:
        raise ApiError("ValidationException", "A parameter type is required when you create a parameter.")
    value, pattern = params["Value"], params.get("AllowedPattern")
    if pattern is None:
        pattern = before.allowed_pattern if before else None
    _check_value(value, pattern)
    tier = _tier(params.get("Tier"), value, before)
    key_name = params.get("KeyId")
    if key_name is not None and kind != "SecureString":
        raise ApiError("ValidationException", "KeyId is required for SecureString type parameter only.")
    data_type = params.get("DataType") or (before.data_type if before else "text")
    if data_type not in _DATA_TYPES:
        raise ApiError(
            "ValidationException",
            f"The following data type is not supported: {data_type} (Data type names are all lowercase.)",
        )
    sealed, sealed_by = value.encode(), None
    if kind == "SecureString":
        key_name = key_name or (before.key_name if before and before.key_name else DEFAULT_KEY)
        sealed, sealed_by = seal(call, txn, params["Name"], value, key_name)
    return ParameterVersion(
        number=before.number + 1 if before else 1,
        type=kind,
        value=sealed,
        sealed_by=sealed_by,
        key_name=key_name,
        description=params.get("Description", before.description if before else None),
        allowed_pattern=pattern,
        data_type=data_type,
        tier=tier,
        modified_at=call.now,
        modified_by=call.principal.arn,
    )


def _check_value(value: str, pattern: str | None) -> None:
    if not value:
        raise ApiError(
            "ValidationException",
            "1 validation error detected: Value '' at 'value' failed to satisfy constraint: Member must have"
            " length greater than or equal to 1.",
        )
    if not pattern:
        return
    try:
        fits = re.fullmatch(pattern, value)
    except re.error:
        raise ApiError("InvalidAllowedPatternException", "The request isn't valid: AllowedPattern.") from None
    if not fits:
        raise ApiError(
            "ParameterPatternMismatchException",
            f"Parameter value, cannot be validated against allowedPattern: {pattern}",
        )


def _tier(given: str | None, value: str, before: ParameterVersion | None) -> Any:
    """Advanced parameters stay so.  Raises ApiError for a value too large for its tier."""
    size = len(value.encode())
    if given == "Intelligent-Tiering":
        given = "Advanced" if size > LIMITS["Standard"] else None
    tier = given or (before.tier if before else "Standard")
    if before is not None and before.tier == "Advanced" and tier == "Standard":
        raise ApiError(
            "ValidationException",
            "This parameter uses the advanced-parameter tier. You can't downgrade a parameter from the"
            " advanced-parameter tier to the standard-parameter tier. If necessary, you can delete the"
            " advanced parameter and recreate it as a standard parameter. Be aware that you can't recover the"
            " parameter after deleting it.",
        )
    if size > LIMITS[tier]:
        if tier == "Standard":
            text = (
                "Standard tier parameters support a maximum parameter value of 4096 characters. To create a"
                " larger parameter value, upgrade the parameter to use the advanced-parameter tier. For more"
                " information, see"
                " https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html"
            )
        else:
            text = "Advanced tier parameters support a maximum parameter value of 8192 characters."
        raise ApiError("ValidationException", text)
    return tier


def _kept(parameter: Parameter) -> tuple[ParameterVersion, ...]:
    """The versions that stay when one more comes.  Raises ApiError when the oldest may not go."""
    if len(parameter.versions) < MOST_VERSIONS:
        return parameter.versions
    oldest = parameter.versions[0]
    if oldest.labels:
        raise ApiError(
            "ParameterMaxVersionLimitExceeded",
            f"You attempted to create a new version of {parameter.id} by calling the PutParameter API with"
            f" the overwrite flag. Version {oldest.number}, the oldest version, can't be deleted because"
            " it has a label associated with it. Move the label to another version of the parameter, and try"
            " again.",
        )
    return parameter.versions[1:]
