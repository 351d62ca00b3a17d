"""Which VPCs a private hosted zone answers in."""

from typing import Any

from msgspec.structs import replace

from seawall.api.page import InvalidToken, take_page
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.api.route53.change import note_change
from seawall.api.route53.names import find_zone, page_size
from seawall.model.hosted_zone import HostedZone
from seawall.model.resource import Ref
from seawall.model.vpc import Vpc
from seawall.store.store import Reader
from seawall.wire.errors import ApiError

MOST_ON_A_PAGE = 100


def find_vpc(call: Call, reader: Reader, wanted: Params) -> str:
    """The id of the VPC a request names.  Raises ApiError InvalidVPCId."""
    id, region = wanted.get("VPCId"), wanted.get("VPCRegion")
    if id is None or region not in (None, call.region) or reader.find(Vpc, id) is None:
        raise ApiError("InvalidVPCId", "The VPC ID is invalid.")
    return str(id)


def check_conflict(call: Call, reader: Reader, name: str, vpc_id: str) -> None:
    """A VPC may know one private zone of a name.  Raises ApiError ConflictingDomainExists."""
    if any(zone.name == name for zone in reader.referrers(HostedZone, Ref("vpc", vpc_id))):
        raise ApiError(
            "ConflictingDomainExists",
            f"The VPC that you chose, {vpc_id} in region {call.region}, is already associated with another"
            f" private hosted zone that has an overlapping name space, {name}.",
        )


@operation("route53", "AssociateVPCWithHostedZone")
def associate_vpc_with_hosted_zone(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        zone = find_zone(txn, params["HostedZoneId"])
        vpc_id = find_vpc(call, txn, params["VPC"])
        if not zone.private:
            raise ApiError(
                "PublicZoneVPCAssociation",
                "You're trying to associate a VPC with a public hosted zone. Amazon Route 53 doesn't support"
                " associating a VPC with a public hosted zone.",
            )
        check_conflict(call, txn, zone.name, vpc_id)
        txn.put(replace(zone, vpc_ids=(*zone.vpc_ids, vpc_id)))
        change = note_change(call, txn, zone.id, params.get("Comment"))
    return {"ChangeInfo": change}


@operation("route53", "DisassociateVPCFromHostedZone")
def disassociate_vpc_from_hosted_zone(call: Call, params: Params) -> dict[str, Any]:
    wanted = params["VPC"]
    with call.write() as txn:
        zone = find_zone(txn, params["HostedZoneId"])
        vpc_id, region = wanted.get("VPCId"), wanted.get("VPCRegion")
        if vpc_id not in zone.vpc_ids or region not in (None, call.region):
            raise ApiError(
                "VPCAssociationNotFound",
                "The specified VPC and hosted zone are not currently associated.",
                status=404,
            )
        if len(zone.vpc_ids) == 1:
            raise ApiError(
                "LastVPCAssociation",
                "The VPC that you're trying to disassociate from the private hosted zone is the last VPC"
                " that is associated with the hosted zone. Amazon Route 53 doesn't support disassociating"
                " the last VPC from a hosted zone.",
            )
        txn.put(replace(zone, vpc_ids=tuple(each for each in zone.vpc_ids if each != vpc_id)))
        change = note_change(call, txn, zone.id, params.get("Comment"))
    return {"ChangeInfo": change}


@operation("route53", "ListHostedZonesByVPC")
def list_hosted_zones_by_vpc(call: Call, params: Params) -> dict[str, Any]:
    limit = page_size(params.get("MaxItems"), MOST_ON_A_PAGE)
    vpc_id = find_vpc(call, call.store, params)
    zones = call.store.referrers(HostedZone, Ref("vpc", vpc_id))
    try:
        page, token = take_page(zones, limit, params.get("NextToken"), lambda zone: zone.id)
    except InvalidToken as error:
        raise ApiError("InvalidPaginationToken", "The specified NextToken is invalid.") from error
    answer: dict[str, Any] = {
        "HostedZoneSummaries": [
            {"HostedZoneId": zone.id, "Name": zone.name, "Owner": {"OwningAccount": call.account}}
            for zone in page
        ],
        "MaxItems": str(limit),
    }
    return answer | ({"NextToken": token} if token else {})
