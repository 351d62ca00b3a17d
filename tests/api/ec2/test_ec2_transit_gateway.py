"""Transit gateways and the VPCs attached to them, as the API records them."""

from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import pytest
from botocore.exceptions import ClientError
from msgspec.structs import replace
from tests.api.ec2.transit import (
    attach,
    become,
    default_table,
    gateway,
    new_table,
    route,
    search,
    subnet_in,
    tables,
)

from seawall.model.network_interface import NetworkInterface
from seawall.model.transit_gateway import TransitGateway, TransitGatewayAttachment
from seawall.store.store import Store

Refused = Callable[[str, str], Any]
ACCOUNT = "123456789012"
ABSENT = "0123456789abcdef0"


def test_a_gateway_is_born_pending_with_a_default_table(ec2: Any) -> None:
    tag = [{"Key": "Name", "Value": "hub"}]
    made = ec2.create_transit_gateway(
        Description="hub", TagSpecifications=[{"ResourceType": "transit-gateway", "Tags": tag}]
    )["TransitGateway"]
    id = made["TransitGatewayId"]
    (table,) = tables(ec2, transit_gateway_id=id)
    assert table["DefaultAssociationRouteTable"] is True
    assert table["DefaultPropagationRouteTable"] is True
    table_id = table["TransitGatewayRouteTableId"]
    assert made == {
        "TransitGatewayId": id,
        "TransitGatewayArn": f"arn:aws:ec2:us-east-1:{ACCOUNT}:transit-gateway/{id}",
        "State": "pending",
        "OwnerId": ACCOUNT,
        "Description": "hub",
        "CreationTime": datetime(2026, 1, 1, tzinfo=timezone.utc),
        "Options": {
            "AmazonSideAsn": 64512,
            "AutoAcceptSharedAttachments": "disable",
            "DefaultRouteTableAssociation": "enable",
            "AssociationDefaultRouteTableId": table_id,
            "DefaultRouteTablePropagation": "enable",
            "PropagationDefaultRouteTableId": table_id,
            "VpnEcmpSupport": "enable",
            "DnsSupport": "enable",
            "SecurityGroupReferencingSupport": "disable",
            "MulticastSupport": "disable",
        },
        "Tags": tag,
    }


def test_without_defaults_there_is_no_table(ec2: Any) -> None:
    off = {"DefaultRouteTableAssociation": "disable", "DefaultRouteTablePropagation": "disable"}
    made = ec2.create_transit_gateway(Options=off)["TransitGateway"]
    assert tables(ec2) == []
    assert "AssociationDefaultRouteTableId" not in made["Options"]
    assert "PropagationDefaultRouteTableId" not in made["Options"]


def test_what_is_not_served_is_refused_by_name(ec2: Any, store: Store) -> None:
    for options in (
        {"MulticastSupport": "enable"},
        {"SecurityGroupReferencingSupport": "enable"},
        {"TransitGatewayCidrBlocks": ["10.99.0.0/24"]},
    ):
        with pytest.raises(ClientError, match=next(iter(options))):
            ec2.create_transit_gateway(Options=options)
    assert store.all(TransitGateway) == []


def test_the_asn_is_a_private_one(ec2: Any) -> None:
    with pytest.raises(ClientError, match="AmazonSideAsn"):
        ec2.create_transit_gateway(Options={"AmazonSideAsn": 65535})
    made = ec2.create_transit_gateway(Options={"AmazonSideAsn": 4200000000})["TransitGateway"]
    assert made["Options"]["AmazonSideAsn"] == 4200000000


def test_quota_of_gateways(ec2: Any, refused: Refused) -> None:
    for _ in range(5):
        ec2.create_transit_gateway()
    with refused("TransitGatewayLimitExceeded", "The maximum number of transit gateways has been reached."):
        ec2.create_transit_gateway()


def test_modify(ec2: Any, tgw: str) -> None:
    told = ec2.modify_transit_gateway(
        TransitGatewayId=tgw, Description="new", Options={"VpnEcmpSupport": "disable"}
    )["TransitGateway"]
    assert (told["State"], told["Description"]) == ("modifying", "new")
    assert gateway(ec2, tgw)["Options"]["VpnEcmpSupport"] == "disable"
    assert gateway(ec2, tgw)["State"] == "available"


def test_defaults_and_their_tables_go_together(ec2: Any, refused: Refused, tgw: str) -> None:
    first = default_table(ec2, tgw)
    second = ec2.create_transit_gateway_route_table(TransitGatewayId=tgw)["TransitGatewayRouteTable"]
    assert second["State"] == "pending"
    second_id = second["TransitGatewayRouteTableId"]

    def modify(**options: str) -> None:
        ec2.modify_transit_gateway(TransitGatewayId=tgw, Options=options)

    modify(AssociationDefaultRouteTableId=second_id)
    assert default_table(ec2, tgw) == second_id
    assert gateway(ec2, tgw)["Options"]["PropagationDefaultRouteTableId"] == first
    text = f"disable DefaultRouteTableAssociation conflicts with AssociationDefaultRouteTableId {first}"
    with refused("InvalidParameterCombination", text):
        modify(DefaultRouteTableAssociation="disable", AssociationDefaultRouteTableId=first)
    modify(DefaultRouteTableAssociation="disable")
    assert "AssociationDefaultRouteTableId" not in gateway(ec2, tgw)["Options"]
    assert tables(ec2, default_association_route_table="true") == []
    text = "enable DefaultRouteTableAssociation conflicts with AssociationDefaultRouteTableId null"
    with refused("InvalidParameterCombination", text):
        modify(DefaultRouteTableAssociation="enable")
    other = ec2.create_transit_gateway()["TransitGateway"]
    foreign = other["Options"]["AssociationDefaultRouteTableId"]
    text = f"Transit Gateway Route Table {foreign} was deleted or does not exist in Transit Gateway {tgw}."
    with refused("InvalidRouteTableID.NotFound", text):
        modify(DefaultRouteTableAssociation="enable", AssociationDefaultRouteTableId=foreign)


def test_ids_that_are_wrong(ec2: Any, refused: Refused) -> None:
    cases: list[tuple[str, str, Callable[[], Any]]] = [
        (
            "InvalidTransitGatewayID.NotFound",
            f"Transit Gateway tgw-{ABSENT} was deleted or does not exist.",
            lambda: ec2.delete_transit_gateway(TransitGatewayId=f"tgw-{ABSENT}"),
        ),
        (
            "InvalidTransitGatewayID.Malformed",
            "Invalid Transit Gateway id tgw-x.",
            lambda: ec2.describe_transit_gateways(TransitGatewayIds=["tgw-x"]),
        ),
        (
            "InvalidTransitGatewayAttachmentID.NotFound",
            f"Transit Gateway Attachment tgw-attach-{ABSENT} was deleted or does not exist.",
            lambda: ec2.delete_transit_gateway_vpc_attachment(
                TransitGatewayAttachmentId=f"tgw-attach-{ABSENT}"
            ),
        ),
        (
            "InvalidTransitGatewayAttachmentID.Malformed",
            "Invalid Transit Gateway Attachment id.",
            lambda: ec2.describe_transit_gateway_attachments(TransitGatewayAttachmentIds=["tgw-attach-x"]),
        ),
        (
            "InvalidRouteTableID.NotFound",
            f"Transit Gateway Route Table tgw-rtb-{ABSENT} was deleted or does not exist.",
            lambda: ec2.delete_transit_gateway_route_table(TransitGatewayRouteTableId=f"tgw-rtb-{ABSENT}"),
        ),
    ]
    for code, text, call in cases:
        with refused(code, text):
            call()


def test_an_attachment_has_an_interface_in_each_subnet(
    ec2: Any, store: Store, tgw: str, vpc_id: str, subnet_id: str
) -> None:
    second = subnet_in(ec2, vpc_id, "10.0.2.0/24")
    made = ec2.create_transit_gateway_vpc_attachment(
        TransitGatewayId=tgw, VpcId=vpc_id, SubnetIds=[subnet_id, second]
    )["TransitGatewayVpcAttachment"]
    id = made["TransitGatewayAttachmentId"]
    assert (made["State"], made["SubnetIds"]) == ("pending", [subnet_id, second])
    assert made["Options"] == {
        "DnsSupport": "enable",
        "SecurityGroupReferencingSupport": "enable",
        "Ipv6Support": "disable",
        "ApplianceModeSupport": "disable",
    }
    found = ec2.describe_network_interfaces(
        Filters=[{"Name": "interface-type", "Values": ["transit_gateway"]}]
    )["NetworkInterfaces"]
    assert {i["SubnetId"] for i in found} == {subnet_id, second}
    for interface in found:
        assert interface["Description"] == f"Network Interface for Transit Gateway Attachment {id}"
        assert interface["RequesterManaged"] is True
        assert interface["SourceDestCheck"] is False
        assert interface["Groups"] == []
    (shown,) = ec2.describe_transit_gateway_attachments()["TransitGatewayAttachments"]
    assert (shown["ResourceType"], shown["ResourceId"], shown["State"]) == ("vpc", vpc_id, "pending")
    assert shown["Association"] == {
        "TransitGatewayRouteTableId": default_table(ec2, tgw),
        "State": "associating",
    }


def test_attachments_that_cannot_be(
    ec2: Any, refused: Refused, tgw: str, vpc_id: str, subnet_id: str, attachment: str
) -> None:
    text = f"{tgw} has non-deleted Transit Gateway Attachments with same VPC ID."
    with refused("DuplicateTransitGatewayAttachment", text):
        attach(ec2, tgw, vpc_id, subnet_id)
    other = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    with refused("InvalidSubnetID.NotFound", f"Subnet {subnet_id} was deleted or does not exist."):
        attach(ec2, tgw, other, subnet_id)
    one, two = subnet_in(ec2, other, "10.1.1.0/24"), subnet_in(ec2, other, "10.1.2.0/24")
    with refused("DuplicateSubnetsInSameZone", "Duplicate Subnets for same AZ"):
        attach(ec2, tgw, other, one, two)
    with pytest.raises(ClientError, match="Ipv6Support needs one"):
        attach(ec2, tgw, other, one, Options={"Ipv6Support": "enable"})
    pending = ec2.create_transit_gateway()["TransitGateway"]["TransitGatewayId"]
    with refused("IncorrectState", f"{pending} is in invalid state"):
        attach(ec2, pending, other, one)


def test_subnets_come_and_go(
    ec2: Any, store: Store, refused: Refused, vpc_id: str, subnet_id: str, attachment: str
) -> None:
    second = subnet_in(ec2, vpc_id, "10.0.2.0/24")
    (old,) = store.get(TransitGatewayAttachment, attachment).network_interface_ids

    def modify(**members: Any) -> dict[str, Any]:
        told = ec2.modify_transit_gateway_vpc_attachment(TransitGatewayAttachmentId=attachment, **members)
        return dict(told["TransitGatewayVpcAttachment"])

    with refused("InvalidSubnetID.NotFound", f"{second} is not attached but supplied in RemoveSubnets"):
        modify(RemoveSubnetIds=[second])
    with refused("InsufficientSubnetsException", "Insufficient Subnets"):
        modify(RemoveSubnetIds=[subnet_id])
    told = modify(AddSubnetIds=[second], RemoveSubnetIds=[subnet_id], Options={"DnsSupport": "disable"})
    assert (told["State"], told["SubnetIds"]) == ("modifying", [second])
    assert told["Options"]["DnsSupport"] == "disable"
    (new,) = store.get(TransitGatewayAttachment, attachment).network_interface_ids
    assert store.get(NetworkInterface, new).subnet_id == second
    assert store.find(NetworkInterface, old) is not None  # until the host has let go of it
    with refused("IncorrectState", f"{attachment} is in invalid state"):
        modify(AddSubnetIds=[subnet_id])


def test_an_attachment_that_speaks_ipv6(ec2: Any, store: Store, tgw: str) -> None:
    made = ec2.create_vpc(CidrBlock="10.5.0.0/16", AmazonProvidedIpv6CidrBlock=True)["Vpc"]
    vpc = made["VpcId"]
    block = ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlock"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.5.1.0/24", Ipv6CidrBlock=block.replace("/56", "/64"))[
        "Subnet"
    ]["SubnetId"]
    id = attach(ec2, tgw, vpc, subnet, Options={"Ipv6Support": "enable"})
    (eni,) = store.get(TransitGatewayAttachment, id).network_interface_ids
    assert len(store.get(NetworkInterface, eni).ipv6_addresses) == 1
    assert set(search(ec2, default_table(ec2, tgw))) == {"10.5.0.0/16", block}
    for option, count, blocks in (("disable", 0, {"10.5.0.0/16"}), ("enable", 1, {"10.5.0.0/16", block})):
        become(store, TransitGatewayAttachment, id, "available")
        ec2.modify_transit_gateway_vpc_attachment(
            TransitGatewayAttachmentId=id, Options={"Ipv6Support": option}
        )
        assert len(store.get(NetworkInterface, eni).ipv6_addresses) == count
        assert set(search(ec2, default_table(ec2, tgw))) == blocks


def test_deletion_in_the_right_order(
    ec2: Any, refused: Refused, store: Store, tgw: str, vpc_id: str, subnet_id: str, attachment: str
) -> None:
    table = default_table(ec2, tgw)
    with refused("IncorrectState", f"{tgw} has non-deleted VPC Attachments: {attachment}."):
        ec2.delete_transit_gateway(TransitGatewayId=tgw)
    with refused("DependencyViolation", f"The subnet '{subnet_id}' has dependencies and cannot be deleted."):
        ec2.delete_subnet(SubnetId=subnet_id)
    route(ec2, table, "10.9.0.0/16", attachment)
    told = ec2.delete_transit_gateway_vpc_attachment(TransitGatewayAttachmentId=attachment)
    assert told["TransitGatewayVpcAttachment"]["State"] == "deleting"
    assert search(ec2, table) == {"10.9.0.0/16": ("static", "blackhole", None)}
    become(store, TransitGatewayAttachment, attachment, "deleted")
    with refused(
        "InvalidTransitGatewayAttachmentID.NotFound",
        f"Transit Gateway Attachment {attachment} was deleted or does not exist.",
    ):
        ec2.delete_transit_gateway_vpc_attachment(TransitGatewayAttachmentId=attachment)
    assert ec2.delete_transit_gateway(TransitGatewayId=tgw)["TransitGateway"]["State"] == "deleting"
    assert tables(ec2) == []
    with refused("InvalidTransitGatewayID.NotFound", f"Transit Gateway {tgw} was deleted or does not exist."):
        ec2.delete_transit_gateway(TransitGatewayId=tgw)
    assert gateway(ec2, tgw)["State"] == "deleting"


def test_deletion_of_tables(ec2: Any, refused: Refused, tgw: str, attachment: str) -> None:
    default = default_table(ec2, tgw)
    with refused("IncorrectState", f"{default} is set as default association route table for {tgw}"):
        ec2.delete_transit_gateway_route_table(TransitGatewayRouteTableId=default)
    off = {"DefaultRouteTableAssociation": "disable", "DefaultRouteTablePropagation": "disable"}
    ec2.modify_transit_gateway(TransitGatewayId=tgw, Options=off)
    with refused("IncorrectState", f"{default} has associated attachments"):
        ec2.delete_transit_gateway_route_table(TransitGatewayRouteTableId=default)
    other = new_table(ec2, tgw)
    told = ec2.delete_transit_gateway_route_table(TransitGatewayRouteTableId=other)
    assert told["TransitGatewayRouteTable"]["State"] == "deleting"
    assert [t["TransitGatewayRouteTableId"] for t in tables(ec2)] == [default]


def test_one_attachment_has_one_table(
    ec2: Any, store: Store, refused: Refused, tgw: str, attachment: str
) -> None:
    default, other = default_table(ec2, tgw), new_table(ec2, tgw)
    pair = {"TransitGatewayRouteTableId": other, "TransitGatewayAttachmentId": attachment}
    text = f"Transit Gateway Attachment {attachment} is already associated to a route table."
    with refused("Resource.AlreadyAssociated", text):
        ec2.associate_transit_gateway_route_table(**pair)
    text = f"Transit Gateway Attachment {attachment} is not associated with route table {other}."
    with refused("InvalidAssociation.NotFound", text):
        ec2.disassociate_transit_gateway_route_table(**pair)
    told = ec2.disassociate_transit_gateway_route_table(**pair | {"TransitGatewayRouteTableId": default})
    assert told["Association"]["State"] == "disassociating"
    (shown,) = ec2.get_transit_gateway_route_table_associations(TransitGatewayRouteTableId=default)[
        "Associations"
    ]
    assert shown["State"] == "disassociating"
    with store.write() as txn:
        txn.put(replace(txn.get(TransitGatewayAttachment, attachment), route_table_id=None))
    told = ec2.associate_transit_gateway_route_table(**pair)
    assert told["Association"]["State"] == "associating"
    assert told["Association"]["TransitGatewayRouteTableId"] == other


def test_an_attachment_of_another_gateway_does_not_exist_here(
    ec2: Any, refused: Refused, attachment: str
) -> None:
    foreign = ec2.create_transit_gateway()["TransitGateway"]["Options"]["AssociationDefaultRouteTableId"]
    text = f"Transit Gateway Attachment {attachment} was deleted or does not exist."
    with refused("InvalidTransitGatewayAttachmentID.NotFound", text):
        route(ec2, foreign, "10.9.0.0/16", attachment)


def test_propagations(ec2: Any, refused: Refused, tgw: str, vpc_id: str, attachment: str) -> None:
    default, other = default_table(ec2, tgw), new_table(ec2, tgw)
    pair = {"TransitGatewayRouteTableId": other, "TransitGatewayAttachmentId": attachment}
    text = f"Propagation {attachment} does not exist in Transit Gateway Route Table {other}."
    with refused("TransitGatewayRouteTablePropagation.NotFound", text):
        ec2.disable_transit_gateway_route_table_propagation(**pair)
    told = ec2.enable_transit_gateway_route_table_propagation(**pair)["Propagation"]
    assert (told["State"], told["ResourceId"], told["ResourceType"]) == ("enabled", vpc_id, "vpc")
    text = f"Propagation {attachment} already exists in Transit Gateway Route Table {other}."
    with refused("TransitGatewayRouteTablePropagation.Duplicate", text):
        ec2.enable_transit_gateway_route_table_propagation(**pair)
    found = ec2.get_transit_gateway_attachment_propagations(TransitGatewayAttachmentId=attachment)
    propagations = found["TransitGatewayAttachmentPropagations"]
    assert {p["TransitGatewayRouteTableId"] for p in propagations} == {default, other}
    shown = ec2.get_transit_gateway_route_table_propagations(
        TransitGatewayRouteTableId=other, Filters=[{"Name": "resource-id", "Values": [vpc_id]}]
    )["TransitGatewayRouteTablePropagations"]
    assert [p["TransitGatewayAttachmentId"] for p in shown] == [attachment]
    told = ec2.disable_transit_gateway_route_table_propagation(**pair)["Propagation"]
    assert told["State"] == "disabled"
    assert search(ec2, other) == {}


@pytest.mark.parametrize(
    ("name", "value", "matches"),
    [
        ("state", "available", True),
        ("state", "pending", False),
        ("resource-type", "vpc", True),
        ("resource-owner-id", ACCOUNT, True),
        ("transit-gateway-owner-id", "1", False),
        ("association.state", "associating", True),
        ("association.transit-gateway-route-table-id", "tgw-rtb-*", True),
        ("transit-gateway-id", "tgw-*", True),
    ],
)
def test_filters_of_attachments(ec2: Any, attachment: str, name: str, value: str, matches: bool) -> None:
    asked = [{"Name": name, "Values": [value]}]
    found = ec2.describe_transit_gateway_attachments(Filters=asked)["TransitGatewayAttachments"]
    assert bool(found) is matches


def test_tags_of_all_three(ec2: Any, tgw: str, attachment: str) -> None:
    ids = [tgw, attachment, default_table(ec2, tgw)]
    ec2.create_tags(Resources=ids, Tags=[{"Key": "Name", "Value": "x"}])
    found = ec2.describe_tags(Filters=[{"Name": "key", "Values": ["Name"]}])["Tags"]
    assert {tag["ResourceId"]: tag["ResourceType"] for tag in found} == {
        tgw: "transit-gateway",
        attachment: "transit-gateway-attachment",
        ids[2]: "transit-gateway-route-table",
    }
    by_tag = [{"Name": "tag:Name", "Values": ["x"]}]
    assert len(ec2.describe_transit_gateways(Filters=by_tag)["TransitGateways"]) == 1


def test_dry_runs_make_nothing(ec2: Any, store: Store) -> None:
    with pytest.raises(ClientError, match="DryRunOperation"):
        ec2.create_transit_gateway(DryRun=True)
    assert store.all(TransitGateway) == []
