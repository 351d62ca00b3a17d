"""Ids and ARNs of Cloud Map, and how things are found by them."""

import secrets
import string
from datetime import timedelta
from typing import Any

from seawall.api.page import InvalidToken, take_page
from seawall.api.params import Params
from seawall.api.registry import Call
from seawall.model.service_discovery import (
    DiscoveryInstance,
    DiscoveryNamespace,
    DiscoveryOperation,
    DiscoveryService,
)
from seawall.store.ids import new_uuid
from seawall.store.store import Reader, Transaction
from seawall.wire.errors import ApiError

MOST_ON_A_PAGE = 100
KEEP_OPERATIONS = timedelta(days=1)
_CHARACTERS = string.ascii_lowercase + string.digits


def new_id(prefix: str) -> str:
    """ns- or srv- and 16 characters."""
    return f"{prefix}-" + "".join(secrets.choice(_CHARACTERS) for _ in range(16))


def namespace_arn(call: Call, id: str) -> str:
    return call.arn(f"namespace/{id}", service="servicediscovery")


def service_arn(call: Call, id: str) -> str:
    return call.arn(f"service/{id}", service="servicediscovery")


def find_namespace(reader: Reader, wanted: str) -> DiscoveryNamespace:
    """By id or ARN.  Raises ApiError NamespaceNotFound."""
    namespace = reader.find(DiscoveryNamespace, wanted.rpartition("/")[2])
    if namespace is None:
        raise ApiError("NamespaceNotFound", "Namespace not found")
    return namespace


def find_service(reader: Reader, wanted: str) -> DiscoveryService:
    """By id or ARN.  Raises ApiError ServiceNotFound."""
    service = reader.find(DiscoveryService, wanted.rpartition("/")[2])
    if service is None:
        raise ApiError("ServiceNotFound", "Service not found")
    return service


def find_instance(reader: Reader, service: DiscoveryService, instance_id: str) -> DiscoveryInstance:
    """Raises ApiError InstanceNotFound."""
    instance = reader.find(DiscoveryInstance, f"{service.id}/{instance_id}")
    if instance is None:
        raise ApiError("InstanceNotFound", "Instance not found")
    return instance


def invalid_input(text: str) -> ApiError:
    return ApiError("InvalidInput", text)


def note_operation(call: Call, txn: Transaction, type: str, **targets: str) -> dict[str, Any]:
    """What an asynchronous operation answers; it is done with this transaction.  Forgets day-old ones."""
    for old in txn.all(DiscoveryOperation):
        if call.now - old.create_date > KEEP_OPERATIONS:
            txn.delete(DiscoveryOperation, old.id)
    operation = DiscoveryOperation(id=new_uuid(), type=type, targets=targets, create_date=call.now)
    txn.put(operation)
    return {"OperationId": operation.id}


def page_of(params: Params, items: list[Any], name: str, show: Any) -> dict[str, Any]:
    """One page of a list, sorted by id."""
    limit = params.get("MaxResults") or MOST_ON_A_PAGE
    try:
        page, token = take_page(
            sorted(items, key=lambda one: one.id), limit, params.get("NextToken"), lambda one: one.id
        )
    except InvalidToken:
        raise invalid_input("Invalid NextToken") from None
    return {name: [show(one) for one in page]} | ({"NextToken": token} if token else {})


def passes(filters: list[Params] | None, facts: dict[str, str]) -> bool:
    """Whether something with these facts is what filters ask for.  Raises ApiError InvalidInput."""
    for wanted in filters or ():
        name, values, condition = wanted["Name"], wanted["Values"], wanted.get("Condition", "EQ")
        if condition == "EQ" and len(values) != 1:
            raise invalid_input(f"The filter {name} with the condition EQ takes one value.")
        if condition == "BETWEEN" or name not in facts:
            raise invalid_input(f"The filter {name} does not support the condition {condition}.")
        if condition == "BEGINS_WITH":
            if not facts[name].startswith(tuple(values)):
                return False
        elif facts[name] not in values:
            return False
    return True
