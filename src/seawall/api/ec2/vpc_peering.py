"""VPC peering connections: ask, accept, reject, delete, describe.

The calls record what was decided; a loop makes an accepted one active once packets pass, ends a deleted one,
lets requests expire and forgets what has ended.  Source: VPC peering guide, "lifecycle".
"""

from datetime import timedelta
from ipaddress import ip_network
from typing import Any

from msgspec.structs import replace

from seawall.api.ec2.describe import Filters, answer, chosen, filtered, paged
from seawall.api.ec2.lookup import check_id, look_up, required
from seawall.api.ec2.quotas import ACTIVE_PEERINGS_PER_VPC, OUTSTANDING_PEERINGS_PER_VPC, check_quota
from seawall.api.ec2.refusal import not_served
from seawall.api.ec2.tagging import tag_list, tags_for
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.resource import Ref
from seawall.model.vpc import Vpc
from seawall.model.vpc_peering_connection import ALIVE, PeeringStatus, VpcPeeringConnection
from seawall.store.ids import new_id
from seawall.store.store import Reader, Transaction
from seawall.wire.errors import ApiError

EXPIRES_AFTER = timedelta(days=7)
FAILED = "Failed due to incorrect VPC-ID, Account ID, or overlapping CIDR range"


@operation(
    "ec2",
    "CreateVpcPeeringConnection",
    refused={
        "PeerOwnerId": "there is one account",
        "PeerRegion": "there is one region",
        "RequesterPeeringConnectionOptions": "multipath resilience is for peerings between regions",
    },
)
def create_vpc_peering_connection(call: Call, params: Params) -> dict[str, Any]:
    """Asked again for the same two VPCs, EC2 answers with the connection that is there."""
    with call.write() as txn:
        if params.get("RequesterPeeringConnectionOptions"):
            not_served("RequesterPeeringConnectionOptions")
        if params.get("PeerOwnerId") not in (None, call.account):
            not_served("A PeerOwnerId other than the own account")
        if params.get("PeerRegion") not in (None, call.region):
            not_served("A PeerRegion other than the own region")
        requester = look_up(txn, Vpc, required(params.get("VpcId"), "vpcId"))
        peer_id = required(params.get("PeerVpcId"), "peerVpcId")
        check_id(peer_id, "vpc", "InvalidVpcID.Malformed")
        tags = tags_for(params, "vpc-peering-connection")
        present = _present(txn, requester.id, peer_id)
        if present is not None:
            return {"VpcPeeringConnection": shown(txn, present, call)}
        peering = VpcPeeringConnection(
            id=new_id("pcx"),
            requester_vpc_id=requester.id,
            accepter_vpc_id=peer_id,
            status="pending-acceptance",
            status_message=f"Pending Acceptance by {call.account}",
            create_time=call.now,
            expiration_time=call.now + EXPIRES_AFTER,
            tags=tags,
        )
        if _can_meet(txn, requester.id, peer_id):
            waiting = _peerings(txn, requester.id, "pending-acceptance")
            limit = "OutstandingVpcPeeringConnectionLimitExceeded"
            check_quota(txn, len(waiting) + 1, OUTSTANDING_PEERINGS_PER_VPC, limit)
        else:
            peering = ended(peering, "failed", FAILED, call)
        txn.put(peering, expect=0)
        told = {"Code": "initiating-request", "Message": f"Initiating Request to {call.account}"}
        return {"VpcPeeringConnection": shown(txn, peering, call) | {"Status": told}}


@operation("ec2", "AcceptVpcPeeringConnection")
def accept_vpc_peering_connection(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        peering = _named(txn, params)
        _check_transition(peering, ("pending-acceptance",), "provisioning")
        for vpc_id in (peering.requester_vpc_id, peering.accepter_vpc_id):
            active = _peerings(txn, vpc_id, "active", "provisioning")
            limit = "ActiveVpcPeeringConnectionPerVpcLimitExceeded"
            check_quota(txn, len(active) + 1, ACTIVE_PEERINGS_PER_VPC, limit)
        if _can_meet(txn, peering.requester_vpc_id, peering.accepter_vpc_id):
            peering = replace(
                peering, status="provisioning", status_message="Provisioning", expiration_time=None
            )
        else:
            peering = ended(peering, "failed", FAILED, call)  # blocks were added since it was asked for
        txn.put(peering)
        return {"VpcPeeringConnection": shown(txn, peering, call)}


@operation("ec2", "RejectVpcPeeringConnection")
def reject_vpc_peering_connection(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        peering = _named(txn, params)
        _check_transition(peering, ("pending-acceptance",), "rejected")
        txn.put(ended(peering, "rejected", f"Rejected by {call.account}", call))
    return {"Return": True}


@operation("ec2", "DeleteVpcPeeringConnection")
def delete_vpc_peering_connection(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        peering = _named(txn, params)
        _check_transition(peering, ALIVE, "deleting")
        txn.put(ended(peering, "deleting", f"Deleting by {call.account}", call))
    return {"Return": True}


@operation("ec2", "DescribeVpcPeeringConnections")
def describe_vpc_peering_connections(call: Call, params: Params) -> dict[str, Any]:
    peerings = chosen(call.store, VpcPeeringConnection, params.get("VpcPeeringConnectionIds"))
    filters: Filters[VpcPeeringConnection] = {
        "accepter-vpc-info.cidr-block": lambda p: _blocks(call.store, p, p.accepter_vpc_id),
        "accepter-vpc-info.owner-id": lambda p: call.account,
        "accepter-vpc-info.vpc-id": lambda p: p.accepter_vpc_id,
        "expiration-time": _time,
        "requester-vpc-info.cidr-block": lambda p: _blocks(call.store, p, p.requester_vpc_id),
        "requester-vpc-info.owner-id": lambda p: call.account,
        "requester-vpc-info.vpc-id": lambda p: p.requester_vpc_id,
        "status-code": lambda p: p.status,
        "status-message": lambda p: p.status_message,
        "vpc-peering-connection-id": lambda p: p.id,
    }
    peerings = filtered(params, peerings, filters, tags=lambda p: p.tags)
    page, token = paged(params, peerings, lambda p: p.id)
    return answer("VpcPeeringConnections", [shown(call.store, p, call) for p in page], token)


def shown(reader: Reader, peering: VpcPeeringConnection, call: Call) -> dict[str, Any]:
    """A connection as answers show it."""
    found: dict[str, Any] = {
        "VpcPeeringConnectionId": peering.id,
        "RequesterVpcInfo": _shown_side(reader, peering, peering.requester_vpc_id, call),
        "AccepterVpcInfo": _shown_side(reader, peering, peering.accepter_vpc_id, call),
        "Status": {"Code": peering.status, "Message": peering.status_message},
        "Tags": tag_list(peering.tags),
    }
    if peering.expiration_time is not None:
        found["ExpirationTime"] = peering.expiration_time
    return found


def shown_options(allow_dns_resolution: bool) -> dict[str, bool]:
    return {
        "AllowDnsResolutionFromRemoteVpc": allow_dns_resolution,
        "AllowEgressFromLocalClassicLinkToRemoteVpc": False,
        "AllowEgressFromLocalVpcToRemoteClassicLink": False,
    }


def ended(
    peering: VpcPeeringConnection, status: PeeringStatus, message: str, call: Call
) -> VpcPeeringConnection:
    return replace(peering, status=status, status_message=message, expiration_time=None, ended_at=call.now)


def _shown_side(reader: Reader, peering: VpcPeeringConnection, vpc_id: str, call: Call) -> dict[str, Any]:
    """The accepter's blocks and options are told once it has accepted."""
    told: dict[str, Any] = {"VpcId": vpc_id, "OwnerId": call.account, "Region": call.region}
    four = _blocks(reader, peering, vpc_id)
    if not four:
        return told
    vpc = reader.get(Vpc, vpc_id)
    six = [{"Ipv6CidrBlock": a.ipv6_cidr_block} for a in vpc.ipv6_cidr_blocks]
    requests = vpc_id == peering.requester_vpc_id
    allowed = peering.requester_dns_resolution if requests else peering.accepter_dns_resolution
    return {
        **told,
        "CidrBlock": vpc.cidr_block,
        "CidrBlockSet": [{"CidrBlock": block} for block in four],
        **({"Ipv6CidrBlockSet": six} if six else {}),
        "PeeringOptions": shown_options(allowed),
    }


def _blocks(reader: Reader, peering: VpcPeeringConnection, vpc_id: str) -> list[str]:
    vpc = reader.find(Vpc, vpc_id)
    accepted = peering.status in ("provisioning", "active", "deleting")
    if vpc is None or not (accepted or vpc_id == peering.requester_vpc_id):
        return []
    return [a.cidr_block for a in vpc.cidr_blocks]


def _time(peering: VpcPeeringConnection) -> str | None:
    at = peering.expiration_time
    return at.strftime("%Y-%m-%dT%H:%M:%S.000Z") if at else None


def _named(txn: Transaction, params: Params) -> VpcPeeringConnection:
    id = required(params.get("VpcPeeringConnectionId"), "vpcPeeringConnectionId")
    return look_up(txn, VpcPeeringConnection, id)


def _check_transition(
    peering: VpcPeeringConnection, allowed: tuple[PeeringStatus, ...], to: PeeringStatus
) -> None:
    """The text for a rejected one that was to be deleted is EC2's; the others follow it."""
    if peering.status not in allowed:
        raise ApiError(
            "InvalidStateTransition",
            f"Invalid state transition for {peering.id}, attempted to transition from {peering.status}"
            f" to {to}",
        )


def _present(txn: Transaction, requester_id: str, peer_id: str) -> VpcPeeringConnection | None:
    """The one that the same request made before.  Raises ApiError where the peer asked first."""
    for peering in _peerings(txn, requester_id, *ALIVE):
        if peering.accepter_vpc_id == peer_id:
            return peering
        if peering.requester_vpc_id == peer_id:
            raise ApiError(
                "VpcPeeringConnectionAlreadyExists",
                "A VPC peering connection between the VPCs already exists.",
            )
    return None


def _peerings(txn: Transaction, vpc_id: str, *statuses: PeeringStatus) -> list[VpcPeeringConnection]:
    found = txn.referrers(VpcPeeringConnection, Ref("vpc", vpc_id))
    return [peering for peering in found if peering.status in statuses]


def _can_meet(txn: Transaction, requester_id: str, peer_id: str) -> bool:
    """Both are there, and no block of one overlaps a block of the other."""
    requester, peer = txn.find(Vpc, requester_id), txn.find(Vpc, peer_id)
    if requester is None or peer is None:
        return False
    pairs = [(ip_network(a), ip_network(b)) for a in requester.all_blocks for b in peer.all_blocks]
    return not any(a.overlaps(b) for a, b in pairs if a.version == b.version)
