"""Changes on their way: every write gets a number to ask about."""

from typing import Any

from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.api.route53.names import bare_id, new_id
from seawall.model.zone_change import ZoneChange
from seawall.store.store import Transaction
from seawall.wire.errors import ApiError


def note_change(call: Call, txn: Transaction, zone_id: str, comment: str | None = None) -> dict[str, Any]:
    """Record that this transaction changes what a zone answers; returns its ChangeInfo."""
    change = ZoneChange(
        id=new_id("C"), hosted_zone_id=zone_id, submitted_at=call.now, comment=comment or None
    )
    txn.put(change)
    return describe_change(change)


def describe_change(change: ZoneChange) -> dict[str, Any]:
    told: dict[str, Any] = {
        "Id": f"/change/{change.id}",
        "Status": change.status,
        "SubmittedAt": change.submitted_at,
    }
    return told | ({"Comment": change.comment} if change.comment else {})


@operation(
    "route53",
    "GetChange",
    note="INSYNC means that Seawall's resolvers answer by it; a change can be asked about for a day.",
)
def get_change(call: Call, params: Params) -> dict[str, Any]:
    id = bare_id(params["Id"])
    change = call.store.find(ZoneChange, id)
    if change is None:
        raise ApiError("NoSuchChange", f"Could not find resource with ID: {id}", status=404)
    return {"ChangeInfo": describe_change(change)}
