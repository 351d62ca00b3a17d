"""What is scaled, as requests name it."""

import re
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from seawall.api.page import InvalidToken, take_page
from seawall.api.params import Params
from seawall.api.registry import Call
from seawall.model.scaling import SERVICE_DIMENSION, ScalableTarget, ScalingPolicy, ScheduledAction
from seawall.store.store import Reader
from seawall.wire.errors import ApiError, NotImplementedHere

SERVICE = "application-autoscaling"
MOST_ON_A_PAGE = 50
_RESOURCE = re.compile(r"service/[^/]+/[^/]+")
_Named = TypeVar("_Named", ScalingPolicy, ScheduledAction)


def invalid(text: str) -> ApiError:
    return ApiError("ValidationException", text)


def check_namespace(params: Params) -> None:
    """Raises NotImplementedHere for other services than ECS."""
    if params["ServiceNamespace"] != "ecs":
        raise NotImplementedHere(f"{params['ServiceNamespace']}: Seawall scales ECS services only.")


def resource_id(params: Params) -> str:
    """Of an ECS service.  Raises ApiError."""
    check_namespace(params)
    dimension = params["ScalableDimension"]
    if dimension != SERVICE_DIMENSION:
        raise invalid(f"Unsupported service namespace, resource type or scalable dimension: {dimension}")
    id: str = params["ResourceId"]
    if _RESOURCE.fullmatch(id) is None:
        raise invalid(f"Unsupported service namespace, resource type or scalable dimension: {id}")
    return id


def find_target(reader: Reader, id: str) -> ScalableTarget:
    """Raises ApiError ObjectNotFoundException."""
    target = reader.find(ScalableTarget, id)
    if target is None:
        raise ApiError(
            "ObjectNotFoundException",
            f"No scalable target registered for service namespace: ecs, resource ID: {id}, scalable"
            f" dimension: {SERVICE_DIMENSION}",
        )
    return target


def target_arn(call: Call, target: ScalableTarget) -> str:
    return call.arn(f"scalable-target/{target.arn_id}", service=SERVICE)


def scaled(id: str) -> dict[str, Any]:
    return {"ServiceNamespace": "ecs", "ResourceId": id, "ScalableDimension": SERVICE_DIMENSION}


def wanted(params: Params) -> tuple[Any, Any]:
    """The resource and the dimension a description asks for.  Raises ApiError for one without the other."""
    check_namespace(params)
    id, dimension = params.get("ResourceId"), params.get("ScalableDimension")
    if dimension is not None and id is None:
        raise invalid("If you specify a scalable dimension, you must also specify a resource ID.")
    return id, dimension


def named(items: Iterable[_Named], asked: tuple[Any, Any], names: Sequence[str] | None) -> list[_Named]:
    """Those of the resource and dimension of `wanted`; where names or ARNs are given, only they."""
    id, dimension = asked
    return [
        one
        for one in items
        if id in (None, one.target_id)
        and dimension in (None, SERVICE_DIMENSION)
        and (not names or one.name in names or one.arn in names)
    ]


def page_of(params: Params, items: list[Any], name: str, show: Any) -> dict[str, Any]:
    limit = params.get("MaxResults") or MOST_ON_A_PAGE
    try:
        page, token = take_page(
            sorted(items, key=lambda one: one.id), limit, params.get("NextToken"), lambda one: one.id
        )
    except InvalidToken:
        raise ApiError("InvalidNextTokenException", "The next token is invalid.") from None
    return {name: [show(one) for one in page]} | ({"NextToken": token} if token else {})
