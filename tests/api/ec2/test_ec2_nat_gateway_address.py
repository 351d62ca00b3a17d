"""More than one address for a NAT gateway."""

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from seawall.model.nat_gateway import NatGateway
from seawall.store.store import Store

Refused = Callable[[str, str], Any]


@pytest.fixture
def elastic(ec2: Any) -> list[str]:
    return [str(ec2.allocate_address(Domain="vpc")["AllocationId"]) for _ in range(4)]


def settled(ec2: Any, store: Store, **members: Any) -> str:
    """A gateway that has become available."""
    id = str(ec2.create_nat_gateway(**members)["NatGateway"]["NatGatewayId"])
    with store.write() as txn:
        txn.put(replace(txn.get(NatGateway, id), state="available"))
    return id


def addresses(ec2: Any, id: str) -> list[dict[str, Any]]:
    (nat,) = ec2.describe_nat_gateways(NatGatewayIds=[id])["NatGateways"]
    return list(nat["NatGatewayAddresses"])


def test_a_public_gateway_is_born_with_several(
    ec2: Any, store: Store, subnet_id: str, elastic: list[str]
) -> None:
    id = settled(
        ec2,
        store,
        SubnetId=subnet_id,
        AllocationId=elastic[0],
        SecondaryAllocationIds=elastic[1:3],
        SecondaryPrivateIpAddresses=["10.0.1.99"],
    )
    shown = addresses(ec2, id)
    assert [(a["AllocationId"], a["IsPrimary"], a["Status"]) for a in shown] == [
        (elastic[0], True, "succeeded"),
        (elastic[1], False, "succeeded"),
        (elastic[2], False, "succeeded"),
    ]
    assert shown[1]["PrivateIp"] == "10.0.1.99"
    assert len({a["PrivateIp"] for a in shown}) == 3
    assert ec2.describe_subnets(SubnetIds=[subnet_id])["Subnets"][0]["AvailableIpAddressCount"] == 248
    found = ec2.describe_addresses(AllocationIds=elastic[1:2])["Addresses"][0]
    assert (found["PrivateIpAddress"], found["AssociationId"]) == ("10.0.1.99", shown[1]["AssociationId"])


def test_public_addresses_come_and_go(
    ec2: Any, store: Store, refused: Refused, subnet_id: str, elastic: list[str]
) -> None:
    id = settled(ec2, store, SubnetId=subnet_id, AllocationId=elastic[0])
    added = ec2.associate_nat_gateway_address(NatGatewayId=id, AllocationIds=elastic[1:3])
    assert [a["Status"] for a in added["NatGatewayAddresses"]] == ["associating", "associating"]
    primary, first, _ = (a["AssociationId"] for a in addresses(ec2, id))
    with refused("InvalidParameter", "The primary address of a NAT gateway cannot be disassociated."):
        ec2.disassociate_nat_gateway_address(NatGatewayId=id, AssociationIds=[primary])
    gone = ec2.disassociate_nat_gateway_address(NatGatewayId=id, AssociationIds=[first])
    assert [(a["AllocationId"], a["Status"]) for a in gone["NatGatewayAddresses"]] == [
        (elastic[1], "disassociating")
    ]
    with refused("InvalidParameter", f"The connectivity type of NAT gateway {id} is public."):
        ec2.assign_private_nat_gateway_address(NatGatewayId=id, PrivateIpAddressCount=1)
    unknown = "eipassoc-0123456789abcdef0"
    with refused("InvalidAssociationID.NotFound", f"The association ID '{unknown}' does not exist"):
        ec2.disassociate_nat_gateway_address(NatGatewayId=id, AssociationIds=[unknown])
    association = ec2.describe_addresses(AllocationIds=elastic[2:3])["Addresses"][0]["AssociationId"]
    with refused(
        "Resource.AlreadyAssociated",
        f"resource {elastic[2]} is already associated with associate-id {association}",
    ):
        ec2.associate_nat_gateway_address(NatGatewayId=id, AllocationIds=[elastic[2]])


def test_private_addresses_come_and_go(ec2: Any, store: Store, refused: Refused, subnet_id: str) -> None:
    id = settled(
        ec2,
        store,
        SubnetId=subnet_id,
        ConnectivityType="private",
        PrivateIpAddress="10.0.1.50",
        SecondaryPrivateIpAddressCount=1,
    )
    ec2.assign_private_nat_gateway_address(NatGatewayId=id, PrivateIpAddresses=["10.0.1.60"])
    assert "10.0.1.60" in [a["PrivateIp"] for a in addresses(ec2, id)]
    with refused("InvalidIPAddress.InUse", "Address 10.0.1.60 is in use."):
        ec2.assign_private_nat_gateway_address(NatGatewayId=id, PrivateIpAddresses=["10.0.1.60"])
    with refused("NatGatewayAddressLimitExceeded", "A NAT gateway can have at most 8 IPv4 addresses."):
        ec2.assign_private_nat_gateway_address(NatGatewayId=id, PrivateIpAddressCount=6)
    with refused("InvalidParameter", "The primary address of a NAT gateway cannot be unassigned."):
        ec2.unassign_private_nat_gateway_address(NatGatewayId=id, PrivateIpAddresses=["10.0.1.50"])
    ec2.unassign_private_nat_gateway_address(
        NatGatewayId=id, PrivateIpAddresses=["10.0.1.60"], MaxDrainDurationSeconds=5
    )
    assert [a["Status"] for a in addresses(ec2, id)] == ["succeeded", "succeeded", "unassigning"]


def test_a_pending_gateway_keeps_its_addresses(
    ec2: Any, refused: Refused, subnet_id: str, elastic: list[str]
) -> None:
    id = ec2.create_nat_gateway(SubnetId=subnet_id, AllocationId=elastic[0])["NatGateway"]["NatGatewayId"]
    with refused("IncorrectState", f"NAT gateway {id} is in state pending."):
        ec2.associate_nat_gateway_address(NatGatewayId=id, AllocationIds=elastic[1:2])
