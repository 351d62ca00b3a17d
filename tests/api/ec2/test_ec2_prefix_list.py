"""Managed prefix lists: versions, sizes, AWS's own, and who uses them."""

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from seawall.model.route_table import Route, RouteTable
from seawall.model.security_group import SecurityGroupRule
from seawall.store.ids import new_id
from seawall.store.store import Store

Refused = Callable[[str, str], Any]
AWS_LIST = "pl-63a5400a"


def create(ec2: Any, *cidrs: str, size: int = 5, family: str = "IPv4", name: str = "offices") -> str:
    made = ec2.create_managed_prefix_list(
        PrefixListName=name,
        AddressFamily=family,
        MaxEntries=size,
        Entries=[{"Cidr": cidr, "Description": f"at {cidr}"} for cidr in cidrs],
    )["PrefixList"]
    assert (made["State"], made["Version"]) == ("create-in-progress", 1)
    return str(made["PrefixListId"])


def described(ec2: Any, id: str) -> dict[str, Any]:
    (found,) = ec2.describe_managed_prefix_lists(PrefixListIds=[id])["PrefixLists"]
    return dict(found)


def cidrs(ec2: Any, id: str, **version: int) -> list[str]:
    entries = ec2.get_managed_prefix_list_entries(PrefixListId=id, **version)["Entries"]
    return [entry["Cidr"] for entry in entries]


def name_in_rule(store: Store, vpc_id: str, id: str, group: str, **members: Any) -> SecurityGroupRule:
    rule = SecurityGroupRule(
        id=new_id("sgr"), group_id=group, is_egress=False, protocol="-1", prefix_list_id=id, **members
    )
    with store.write() as txn:
        txn.put(rule)
    return rule


@pytest.fixture
def group_id(ec2: Any, vpc_id: str) -> str:
    return str(ec2.create_security_group(VpcId=vpc_id, GroupName="g", Description="g")["GroupId"])


def test_a_new_list(ec2: Any) -> None:
    id = create(ec2, "10.0.0.0/8", "192.0.2.7/24")
    assert described(ec2, id) == {
        "PrefixListId": id,
        "AddressFamily": "IPv4",
        "State": "create-complete",
        "PrefixListArn": f"arn:aws:ec2:us-east-1:123456789012:prefix-list/{id}",
        "PrefixListName": "offices",
        "MaxEntries": 5,
        "Version": 1,
        "Tags": [],
        "OwnerId": "123456789012",
    }
    assert ec2.get_managed_prefix_list_entries(PrefixListId=id)["Entries"] == [
        {"Cidr": "10.0.0.0/8", "Description": "at 10.0.0.0/8"},
        {"Cidr": "192.0.2.0/24", "Description": "at 192.0.2.7/24"},
    ]


def test_every_change_of_entries_makes_a_version(ec2: Any, refused: Refused) -> None:
    id = create(ec2, "10.0.0.0/8")
    made = ec2.modify_managed_prefix_list(
        PrefixListId=id, CurrentVersion=1, AddEntries=[{"Cidr": "10.1.0.0/16"}]
    )["PrefixList"]
    assert (made["State"], made["Version"]) == ("modify-in-progress", 2)
    assert described(ec2, id)["State"] == "modify-complete"
    ec2.modify_managed_prefix_list(
        PrefixListId=id, CurrentVersion=2, RemoveEntries=[{"Cidr": "10.0.0.0/8"}], PrefixListName="new"
    )
    assert (cidrs(ec2, id, TargetVersion=1), cidrs(ec2, id, TargetVersion=2)) == (
        ["10.0.0.0/8"],
        ["10.0.0.0/8", "10.1.0.0/16"],
    )
    assert cidrs(ec2, id) == ["10.1.0.0/16"]
    assert (described(ec2, id)["Version"], described(ec2, id)["PrefixListName"]) == (3, "new")
    with refused("PrefixListVersionMismatch", "The prefix list has the incorrect version number."):
        ec2.modify_managed_prefix_list(
            PrefixListId=id, CurrentVersion=2, AddEntries=[{"Cidr": "10.2.0.0/16"}]
        )
    with refused("PrefixListVersionMismatch", "The prefix list has the incorrect version number."):
        ec2.restore_managed_prefix_list_version(PrefixListId=id, CurrentVersion=2, PreviousVersion=1)
    ec2.restore_managed_prefix_list_version(PrefixListId=id, CurrentVersion=3, PreviousVersion=2)
    assert (cidrs(ec2, id), described(ec2, id)["Version"]) == (["10.0.0.0/8", "10.1.0.0/16"], 4)
    with refused("InvalidParameterValue", "Value (5) for parameter version is invalid."):
        cidrs(ec2, id, TargetVersion=5)


def test_a_new_name_alone_is_no_version(ec2: Any) -> None:
    id = create(ec2)
    ec2.modify_managed_prefix_list(PrefixListId=id, PrefixListName="renamed")
    assert (described(ec2, id)["Version"], described(ec2, id)["PrefixListName"]) == (1, "renamed")


@pytest.mark.parametrize("name", ["com.amazonaws.mine", "com.amazon.mine", "com.aws.mine"])
def test_names_that_are_amazons(ec2: Any, refused: Refused, name: str) -> None:
    text = "The prefix list name cannot begin with (com.amazonaws., com.amazon., com.aws.)."
    with refused("InvalidParameterValue", text):
        create(ec2, name=name)
    with refused("InvalidParameterValue", text):
        ec2.modify_managed_prefix_list(PrefixListId=create(ec2), PrefixListName=name)
    create(ec2, name=name.replace(".mine", "-mine"))


def test_sizes(ec2: Any, refused: Refused) -> None:
    for size in (0, 1001):
        with refused("InvalidParameterValue", "Must specify a max size between 1 and 1000"):
            create(ec2, size=size)
    full = "You've reached the maximum number of entries for the prefix list."
    with refused("PrefixListMaxEntriesExceeded", full):
        create(ec2, "10.0.0.0/16", "10.1.0.0/16", size=1)
    id = create(ec2, "10.0.0.0/16", "10.1.0.0/16", size=2)
    with refused("PrefixListMaxEntriesExceeded", full):
        ec2.modify_managed_prefix_list(PrefixListId=id, AddEntries=[{"Cidr": "10.2.0.0/16"}])
    with refused("PrefixListMaxEntriesExceeded", full):
        ec2.modify_managed_prefix_list(PrefixListId=id, MaxEntries=1)
    with refused(
        "InvalidParameterCombination",
        "You cannot modify the entries and the maximum entries for the prefix list in the same request.",
    ):
        ec2.modify_managed_prefix_list(PrefixListId=id, MaxEntries=3, AddEntries=[{"Cidr": "10.2.0.0/16"}])
    ec2.modify_managed_prefix_list(PrefixListId=id, MaxEntries=3)
    assert (described(ec2, id)["MaxEntries"], described(ec2, id)["Version"]) == (3, 1)


def test_entries_of_the_wrong_family_are_none(ec2: Any, refused: Refused) -> None:
    assert cidrs(ec2, create(ec2, "2001:DB8::/32", family="IPv6")) == ["2001:db8::/32"]
    for family, cidr in (("IPv4", "2001:db8::/32"), ("IPv6", "10.0.0.0/8"), ("IPv6", "2001:db8::1")):
        text = f"Value ({cidr}) for parameter Cidr is invalid. This is not a valid CIDR block."
        with refused("InvalidParameterValue", text):
            create(ec2, cidr, family=family)
    with refused("InvalidParameterValue", "Value (ipv4) for parameter AddressFamily is invalid."):
        create(ec2, family="ipv4")


def test_an_added_entry_that_is_there_is_described_anew(ec2: Any) -> None:
    id = create(ec2, "10.0.0.0/8")
    ec2.modify_managed_prefix_list(
        PrefixListId=id, CurrentVersion=1, AddEntries=[{"Cidr": "10.0.0.0/8", "Description": "new"}]
    )
    entries = ec2.get_managed_prefix_list_entries(PrefixListId=id)["Entries"]
    assert entries == [{"Cidr": "10.0.0.0/8", "Description": "new"}]


def test_amazons_own_list(ec2: Any, refused: Refused) -> None:
    (found,) = ec2.describe_prefix_lists(
        Filters=[{"Name": "prefix-list-name", "Values": ["com.amazonaws.us-east-1.s3"]}]
    )["PrefixLists"]
    assert found == {
        "PrefixListId": AWS_LIST,
        "PrefixListName": "com.amazonaws.us-east-1.s3",
        "Cidrs": ["198.19.8.0/24"],
    }
    managed = described(ec2, AWS_LIST)
    assert managed["OwnerId"] == "AWS"
    assert managed["PrefixListArn"] == f"arn:aws:ec2:us-east-1:aws:prefix-list/{AWS_LIST}"
    assert "MaxEntries" not in managed
    own = create(ec2)
    by_owner = [{"Name": "owner-id", "Values": ["AWS"]}]
    assert [
        p["PrefixListId"] for p in ec2.describe_managed_prefix_lists(Filters=by_owner)["PrefixLists"]
    ] == [AWS_LIST]
    assert own not in [p["PrefixListId"] for p in ec2.describe_prefix_lists()["PrefixLists"]]
    text = f"The prefix list {AWS_LIST} is managed by AWS and cannot be changed."
    with refused("UnsupportedOperation", text):
        ec2.modify_managed_prefix_list(PrefixListId=AWS_LIST, AddEntries=[{"Cidr": "10.0.0.0/8"}])
    with refused("UnsupportedOperation", text):
        ec2.delete_managed_prefix_list(PrefixListId=AWS_LIST)


def test_a_list_in_use_is_not_deleted(ec2: Any, store: Store, vpc_id: str, group_id: str) -> None:
    id = create(ec2)
    name_in_rule(store, vpc_id, id, group_id)
    (table,) = (t for t in store.all(RouteTable) if t.vpc_id == vpc_id)
    route = Route(destination=id, target_kind="network_interface", target_id="eni-1")
    with store.write() as txn:
        txn.put(replace(table, routes=(*table.routes, route)))
    users = ec2.get_managed_prefix_list_associations(PrefixListId=id)["PrefixListAssociations"]
    assert users == [
        {"ResourceId": table.id, "ResourceOwner": "123456789012"},
        {"ResourceId": group_id, "ResourceOwner": "123456789012"},
    ]
    assert ec2.delete_managed_prefix_list(PrefixListId=id)["PrefixList"]["State"] == "delete-in-progress"
    found = described(ec2, id)
    assert found["State"] == "delete-failed"
    assert group_id in found["StateMessage"]


def test_a_list_that_nobody_uses_is_deleted(ec2: Any, refused: Refused) -> None:
    id = create(ec2)
    ec2.delete_managed_prefix_list(PrefixListId=id)
    with refused("InvalidPrefixListID.NotFound", f"The prefix list ID '{id}' does not exist"):
        ec2.describe_managed_prefix_lists(PrefixListIds=[id])


def test_a_list_cannot_outgrow_the_groups_that_name_it(
    ec2: Any, store: Store, vpc_id: str, group_id: str
) -> None:
    id = create(ec2, size=30)
    name_in_rule(store, vpc_id, id, group_id)
    name_in_rule(store, vpc_id, id, group_id, from_port=1, to_port=2)
    ec2.modify_managed_prefix_list(PrefixListId=id, MaxEntries=31)
    failed = described(ec2, id)
    assert (failed["State"], failed["MaxEntries"]) == ("modify-failed", 30)
    assert group_id in failed["StateMessage"]
    ec2.modify_managed_prefix_list(PrefixListId=id, MaxEntries=29)
    assert (described(ec2, id)["State"], described(ec2, id)["MaxEntries"]) == ("modify-complete", 29)


def test_a_client_token_makes_one_list(ec2: Any) -> None:
    asked: dict[str, Any] = {
        "PrefixListName": "a",
        "AddressFamily": "IPv4",
        "MaxEntries": 1,
        "ClientToken": "once",
    }
    first, second = ec2.create_managed_prefix_list(**asked), ec2.create_managed_prefix_list(**asked)
    assert first["PrefixList"] == second["PrefixList"]


def test_entries_in_pages(ec2: Any) -> None:
    blocks = [f"10.{n}.0.0/16" for n in range(5)]
    id = create(ec2, *blocks)
    first = ec2.get_managed_prefix_list_entries(PrefixListId=id, MaxResults=2)
    rest = ec2.get_managed_prefix_list_entries(PrefixListId=id, MaxResults=100, NextToken=first["NextToken"])
    assert [entry["Cidr"] for entry in first["Entries"] + rest["Entries"]] == blocks
    assert "NextToken" not in rest
