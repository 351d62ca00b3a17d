"""VPC peering connections as the API records them."""

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from botocore.exceptions import ClientError
from msgspec.structs import replace

from seawall.model.security_group import SecurityGroupRule
from seawall.model.vpc_peering_connection import VpcPeeringConnection
from seawall.store.store import Store

Refused = Callable[[str, str], Any]
ACCOUNT = "123456789012"
NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)
FAILED = "Failed due to incorrect VPC-ID, Account ID, or overlapping CIDR range"


@pytest.fixture
def peer_id(ec2: Any) -> str:
    """A VPC 10.1.0.0/16."""
    return str(ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"])


@pytest.fixture
def peering(ec2: Any, vpc_id: str, peer_id: str) -> dict[str, Any]:
    made: dict[str, Any] = ec2.create_vpc_peering_connection(VpcId=vpc_id, PeerVpcId=peer_id)
    return dict(made["VpcPeeringConnection"])


@pytest.fixture
def id(peering: dict[str, Any]) -> str:
    return str(peering["VpcPeeringConnectionId"])


def described(ec2: Any, id: str) -> dict[str, Any]:
    (found,) = ec2.describe_vpc_peering_connections(VpcPeeringConnectionIds=[id])["VpcPeeringConnections"]
    return dict(found)


def become(store: Store, id: str, status: str) -> None:
    with store.write() as txn:
        txn.put(replace(txn.get(VpcPeeringConnection, id), status=status, status_message=status))


def test_a_request_waits_for_the_accepter(
    ec2: Any, vpc_id: str, peer_id: str, peering: dict[str, Any]
) -> None:
    assert peering["Status"] == {
        "Code": "initiating-request",
        "Message": f"Initiating Request to {ACCOUNT}",
    }
    found = described(ec2, peering["VpcPeeringConnectionId"])
    assert found["Status"] == {"Code": "pending-acceptance", "Message": f"Pending Acceptance by {ACCOUNT}"}
    assert found["ExpirationTime"] == NOW + timedelta(days=7)
    assert found["AccepterVpcInfo"] == {"OwnerId": ACCOUNT, "VpcId": peer_id, "Region": "us-east-1"}
    assert found["RequesterVpcInfo"] == {
        "CidrBlock": "10.0.0.0/16",
        "CidrBlockSet": [{"CidrBlock": "10.0.0.0/16"}],
        "OwnerId": ACCOUNT,
        "PeeringOptions": {
            "AllowDnsResolutionFromRemoteVpc": False,
            "AllowEgressFromLocalClassicLinkToRemoteVpc": False,
            "AllowEgressFromLocalVpcToRemoteClassicLink": False,
        },
        "VpcId": vpc_id,
        "Region": "us-east-1",
    }


def test_accepted_it_is_provisioned_and_tells_both_sides(ec2: Any, store: Store, id: str) -> None:
    accepted = ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=id)["VpcPeeringConnection"]
    assert accepted["Status"] == {"Code": "provisioning", "Message": "Provisioning"}
    assert accepted["AccepterVpcInfo"]["CidrBlockSet"] == [{"CidrBlock": "10.1.0.0/16"}]
    assert "ExpirationTime" not in accepted
    assert store.get(VpcPeeringConnection, id).status == "provisioning"


def test_the_same_request_again_is_the_same_connection(
    ec2: Any, refused: Refused, vpc_id: str, peer_id: str, id: str
) -> None:
    again = ec2.create_vpc_peering_connection(VpcId=vpc_id, PeerVpcId=peer_id)["VpcPeeringConnection"]
    assert again["VpcPeeringConnectionId"] == id
    text = "A VPC peering connection between the VPCs already exists."
    with refused("VpcPeeringConnectionAlreadyExists", text):
        ec2.create_vpc_peering_connection(VpcId=peer_id, PeerVpcId=vpc_id)
    ec2.delete_vpc_peering_connection(VpcPeeringConnectionId=id)
    other = ec2.create_vpc_peering_connection(VpcId=peer_id, PeerVpcId=vpc_id)["VpcPeeringConnection"]
    assert other["VpcPeeringConnectionId"] != id


def test_overlapping_blocks_fail(ec2: Any, refused: Refused, vpc_id: str) -> None:
    other = ec2.create_vpc(CidrBlock="10.0.128.0/20")["Vpc"]["VpcId"]
    made = ec2.create_vpc_peering_connection(VpcId=vpc_id, PeerVpcId=other)["VpcPeeringConnection"]
    id = made["VpcPeeringConnectionId"]
    assert described(ec2, id)["Status"] == {"Code": "failed", "Message": FAILED}
    text = f"Invalid state transition for {id}, attempted to transition from failed to deleting"
    with refused("InvalidStateTransition", text):
        ec2.delete_vpc_peering_connection(VpcPeeringConnectionId=id)


def test_a_peer_that_is_not_there_fails_and_a_missing_requester_is_refused(
    ec2: Any, refused: Refused, vpc_id: str
) -> None:
    absent = "vpc-0123456789abcdef0"
    made = ec2.create_vpc_peering_connection(VpcId=vpc_id, PeerVpcId=absent)["VpcPeeringConnection"]
    assert described(ec2, made["VpcPeeringConnectionId"])["Status"]["Message"] == FAILED
    with refused("InvalidVpcID.NotFound", f"The vpc ID '{absent}' does not exist"):
        ec2.create_vpc_peering_connection(VpcId=absent, PeerVpcId=vpc_id)


def test_a_block_that_came_to_overlap_fails_the_request(
    ec2: Any, refused: Refused, vpc_id: str, peer_id: str
) -> None:
    ec2.associate_vpc_cidr_block(VpcId=vpc_id, CidrBlock="100.64.0.0/16")
    made = ec2.create_vpc_peering_connection(VpcId=vpc_id, PeerVpcId=peer_id)["VpcPeeringConnection"]
    id = made["VpcPeeringConnectionId"]
    assert described(ec2, id)["Status"]["Code"] == "pending-acceptance"
    ec2.associate_vpc_cidr_block(VpcId=peer_id, CidrBlock="100.64.9.0/24")
    assert described(ec2, id)["Status"] == {"Code": "failed", "Message": FAILED}
    text = f"Invalid state transition for {id}, attempted to transition from failed to provisioning"
    with refused("InvalidStateTransition", text):
        ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=id)


@pytest.mark.parametrize(
    ("call", "status", "to"),
    [
        ("accept", "active", "provisioning"),
        ("accept", "expired", "provisioning"),
        ("reject", "active", "rejected"),
        ("reject", "rejected", "rejected"),
        ("delete", "rejected", "deleting"),
        ("delete", "failed", "deleting"),
        ("delete", "deleted", "deleting"),
    ],
)
def test_states_that_lead_nowhere(
    ec2: Any, store: Store, refused: Refused, id: str, call: str, status: str, to: str
) -> None:
    become(store, id, status)
    text = f"Invalid state transition for {id}, attempted to transition from {status} to {to}"
    with refused("InvalidStateTransition", text):
        getattr(ec2, f"{call}_vpc_peering_connection")(VpcPeeringConnectionId=id)


def test_rejected_and_deleted(ec2: Any, store: Store, id: str) -> None:
    assert ec2.reject_vpc_peering_connection(VpcPeeringConnectionId=id)["Return"] is True
    assert described(ec2, id)["Status"] == {"Code": "rejected", "Message": f"Rejected by {ACCOUNT}"}
    become(store, id, "active")
    assert ec2.delete_vpc_peering_connection(VpcPeeringConnectionId=id)["Return"] is True
    assert described(ec2, id)["Status"]["Code"] == "deleting"


def test_ids_that_are_wrong(ec2: Any, refused: Refused) -> None:
    absent = "pcx-0123456789abcdef0"
    text = f"The vpcPeeringConnection ID '{absent}' does not exist"
    with refused("InvalidVpcPeeringConnectionID.NotFound", text):
        ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=absent)
    with refused("InvalidVpcPeeringConnectionID.NotFound", text):
        ec2.describe_vpc_peering_connections(VpcPeeringConnectionIds=[absent])
    with pytest.raises(ClientError, match="Malformed"):
        ec2.delete_vpc_peering_connection(VpcPeeringConnectionId="pcx-x")


def test_other_accounts_and_regions_are_refused_by_name(ec2: Any, vpc_id: str, peer_id: str) -> None:
    for foreign in ({"PeerOwnerId": "999999999999"}, {"PeerRegion": "eu-west-1"}):
        with pytest.raises(ClientError, match=next(iter(foreign))):
            ec2.create_vpc_peering_connection(VpcId=vpc_id, PeerVpcId=peer_id, **foreign)
    own = {"PeerOwnerId": ACCOUNT, "PeerRegion": "us-east-1"}
    ec2.create_vpc_peering_connection(VpcId=vpc_id, PeerVpcId=peer_id, **own)


def test_quotas(ec2: Any, store: Store, refused: Refused, vpc_id: str, id: str) -> None:
    pending = store.get(VpcPeeringConnection, id)
    with store.write() as txn:
        for number in range(50):
            status = "active" if number < 50 else "pending-acceptance"
            txn.put(replace(pending, id=f"pcx-{number:017x}", accepter_vpc_id=f"vpc-{number}", status=status))
    text = (
        "You've reached the limit on the number of active VPC peering connections you can have for the"
        " specified VPC."
    )
    with refused("ActiveVpcPeeringConnectionPerVpcLimitExceeded", text):
        ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=id)
    with store.write() as txn:
        for number in range(24):
            txn.put(
                replace(
                    pending,
                    id=f"pcx-{number:017x}",
                    accepter_vpc_id=f"vpc-{number}",
                    status="pending-acceptance",
                )
            )
    other = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    text = (
        "You've reached the limit on the number of VPC peering connection requests that you can create for"
        " the specified VPC."
    )
    with refused("OutstandingVpcPeeringConnectionLimitExceeded", text):
        ec2.create_vpc_peering_connection(VpcId=vpc_id, PeerVpcId=other)


def test_options(ec2: Any, store: Store, refused: Refused, id: str) -> None:
    allow = {"AllowDnsResolutionFromRemoteVpc": True}
    text = f"Peering {id} is not active. Peering options can be added only to active peerings."
    with refused("OperationNotPermitted", text):
        ec2.modify_vpc_peering_connection_options(
            VpcPeeringConnectionId=id, RequesterPeeringConnectionOptions=allow
        )
    become(store, id, "active")
    told = ec2.modify_vpc_peering_connection_options(
        VpcPeeringConnectionId=id, RequesterPeeringConnectionOptions=allow
    )
    assert told["RequesterPeeringConnectionOptions"]["AllowDnsResolutionFromRemoteVpc"] is True
    assert "AccepterPeeringConnectionOptions" not in told
    found = described(ec2, id)
    assert found["RequesterVpcInfo"]["PeeringOptions"]["AllowDnsResolutionFromRemoteVpc"] is True
    assert found["AccepterVpcInfo"]["PeeringOptions"]["AllowDnsResolutionFromRemoteVpc"] is False
    with pytest.raises(ClientError, match="AllowEgressFromLocalVpcToRemoteClassicLink is not served"):
        ec2.modify_vpc_peering_connection_options(
            VpcPeeringConnectionId=id,
            AccepterPeeringConnectionOptions={"AllowEgressFromLocalVpcToRemoteClassicLink": True},
        )


@pytest.mark.parametrize(
    ("name", "value", "matches"),
    [
        ("status-code", "pending-*", True),
        ("status-code", "active", False),
        ("status-message", "Pending Acceptance by *", True),
        ("requester-vpc-info.cidr-block", "10.0.0.0/16", True),
        ("accepter-vpc-info.cidr-block", "10.1.0.0/16", False),
        ("requester-vpc-info.owner-id", ACCOUNT, True),
        ("accepter-vpc-info.owner-id", "1", False),
        ("expiration-time", "2026-01-08T00:00:00.000Z", True),
        ("vpc-peering-connection-id", "pcx-*", True),
        ("tag:Name", "*", False),
    ],
)
def test_filters(ec2: Any, id: str, name: str, value: str, matches: bool) -> None:
    found = ec2.describe_vpc_peering_connections(Filters=[{"Name": name, "Values": [value]}])
    assert bool(found["VpcPeeringConnections"]) is matches


def test_filters_by_vpc_and_tag(ec2: Any, vpc_id: str, peer_id: str, id: str) -> None:
    ec2.create_tags(Resources=[id], Tags=[{"Key": "Name", "Value": "x"}])
    for name, value in (
        ("requester-vpc-info.vpc-id", vpc_id),
        ("accepter-vpc-info.vpc-id", peer_id),
        ("tag:Name", "x"),
        ("tag-key", "Name"),
    ):
        found = ec2.describe_vpc_peering_connections(Filters=[{"Name": name, "Values": [value]}])
        assert [one["VpcPeeringConnectionId"] for one in found["VpcPeeringConnections"]] == [id]
    (tag,) = ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": [id]}])["Tags"]
    assert tag["ResourceType"] == "vpc-peering-connection"


def test_a_dry_run_makes_nothing(ec2: Any, store: Store, vpc_id: str, peer_id: str) -> None:
    with pytest.raises(ClientError, match="DryRunOperation"):
        ec2.create_vpc_peering_connection(VpcId=vpc_id, PeerVpcId=peer_id, DryRun=True)
    assert store.all(VpcPeeringConnection) == []


def group(ec2: Any, vpc_id: str, name: str) -> str:
    return str(ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc_id)["GroupId"])


@pytest.fixture
def reference(ec2: Any, store: Store, vpc_id: str, peer_id: str, id: str) -> tuple[str, str]:
    """The groups of a rule: its own, in the requester's VPC, and the one it names, in the accepter's."""
    become(store, id, "active")
    own, named = group(ec2, vpc_id, "own"), group(ec2, peer_id, "named")
    rule = SecurityGroupRule(
        id="sgr-0123456789abcdef0",
        group_id=own,
        is_egress=False,
        protocol="tcp",
        from_port=80,
        to_port=81,
        referenced_group_id=named,
        vpc_peering_connection_id=id,
        description="web",
    )
    with store.write() as txn:
        txn.put(rule)
    return own, named


def test_who_names_a_group_from_the_other_side(
    ec2: Any, store: Store, vpc_id: str, id: str, reference: tuple[str, str]
) -> None:
    own, named = reference
    expected = {"GroupId": named, "ReferencingVpcId": vpc_id, "VpcPeeringConnectionId": id}
    told = ec2.describe_security_group_references(GroupId=[named, own])
    assert told["SecurityGroupReferenceSet"] == [expected]
    become(store, id, "deleted")
    assert ec2.describe_security_group_references(GroupId=[named])["SecurityGroupReferenceSet"] == []


def test_rules_go_stale_with_their_peering(
    ec2: Any, store: Store, vpc_id: str, peer_id: str, id: str, reference: tuple[str, str]
) -> None:
    own, named = reference
    assert ec2.describe_stale_security_groups(VpcId=vpc_id)["StaleSecurityGroupSet"] == []
    become(store, id, "deleted")
    (stale,) = ec2.describe_stale_security_groups(VpcId=vpc_id)["StaleSecurityGroupSet"]
    assert (stale["GroupId"], stale["GroupName"], stale["VpcId"]) == (own, "own", vpc_id)
    assert "StaleIpPermissionsEgress" not in stale or stale["StaleIpPermissionsEgress"] == []
    (permission,) = stale["StaleIpPermissions"]
    assert (permission["IpProtocol"], permission["FromPort"], permission["ToPort"]) == ("tcp", 80, 81)
    assert permission["UserIdGroupPairs"] == [
        {
            "GroupId": named,
            "GroupName": "named",
            "UserId": ACCOUNT,
            "VpcId": peer_id,
            "VpcPeeringConnectionId": id,
            "PeeringStatus": "deleted",
            "Description": "web",
        }
    ]
    assert ec2.describe_stale_security_groups(VpcId=peer_id)["StaleSecurityGroupSet"] == []
