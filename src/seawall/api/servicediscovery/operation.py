"""What asynchronous calls answered with: all of it is done at once here, and can be asked about for a day."""

from typing import Any

from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.api.servicediscovery.names import page_of
from seawall.model.service_discovery import DiscoveryOperation
from seawall.wire.errors import ApiError


@operation("servicediscovery", "GetOperation")
def get_operation(call: Call, params: Params) -> dict[str, Any]:
    found = call.store.find(DiscoveryOperation, params["OperationId"])
    if found is None or params.get("OwnerAccount") not in (None, call.account):
        raise ApiError("OperationNotFound", "Operation not found")
    return {
        "Operation": {
            "Id": found.id,
            "OwnerAccount": call.account,
            "Type": found.type,
            "Status": "SUCCESS",
            "CreateDate": found.create_date,
            "UpdateDate": found.create_date,
            "Targets": found.targets,
        }
    }


@operation("servicediscovery", "ListOperations")
def list_operations(call: Call, params: Params) -> dict[str, Any]:
    filters = params.get("Filters") or []
    found = [one for one in call.store.all(DiscoveryOperation) if all(_passes(one, f) for f in filters)]
    return page_of(params, found, "Operations", lambda one: {"Id": one.id, "Status": "SUCCESS"})


def _passes(found: DiscoveryOperation, wanted: Params) -> bool:
    name, values, condition = wanted["Name"], wanted["Values"], wanted.get("Condition", "EQ")
    if name == "UPDATE_DATE" and condition == "BETWEEN":
        first, last = (float(value) for value in values)
        return first <= found.create_date.timestamp() <= last
    facts = {
        "NAMESPACE_ID": found.targets.get("NAMESPACE"),
        "SERVICE_ID": found.targets.get("SERVICE"),
        "STATUS": "SUCCESS",
        "TYPE": found.type,
    }
    return facts.get(name) in [value.replace("SUCCEED", "SUCCESS") for value in values]
