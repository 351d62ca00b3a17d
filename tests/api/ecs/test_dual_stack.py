"""When a task gets an IPv6 address, and where it shows."""

from collections.abc import Callable
from ipaddress import IPv6Address, IPv6Network
from typing import Any

import pytest
from msgspec.structs import replace
from tests.api.ecs.conftest import Site

from seawall.model.network_interface import NetworkInterface
from seawall.model.task import Task
from seawall.store.store import Store

Aws = Callable[..., Any]
Run = Callable[..., dict[str, Any]]


@pytest.fixture
def block(aws: Aws, site: Site) -> IPv6Network:
    """The IPv6 block of the site's first subnet, which gives out addresses of it."""
    ec2 = aws("ec2")
    made = ec2.associate_vpc_cidr_block(VpcId=site.vpc, AmazonProvidedIpv6CidrBlock=True)
    mine = next(IPv6Network(made["Ipv6CidrBlockAssociation"]["Ipv6CidrBlock"]).subnets(new_prefix=64))
    ec2.associate_subnet_cidr_block(SubnetId=site.subnets[0], Ipv6CidrBlock=str(mine))
    ec2.modify_subnet_attribute(SubnetId=site.subnets[0], AssignIpv6AddressOnCreation={"Value": True})
    return mine


def stored(store: Store, shown: dict[str, Any]) -> Task:
    return store.get(Task, shown["taskArn"].rpartition("/")[2])


def test_all_conditions_give_an_address(ecs: Any, run: Run, store: Store, block: IPv6Network) -> None:
    (shown,) = run()["tasks"]
    task = stored(store, shown)
    assert IPv6Address(task.ipv6_address or "::") in block
    interface = store.get(NetworkInterface, task.network_interface_id or "")
    assert interface.ipv6_addresses == (task.ipv6_address,)
    with store.write() as txn:
        txn.put(replace(task, attachment_status="ATTACHED", last_status="PENDING", host="world"))
    (now,) = ecs.describe_tasks(tasks=[shown["taskArn"]])["tasks"]
    assert now["containers"][0]["networkInterfaces"] == [
        {
            "attachmentId": task.attachment_id,
            "privateIpv4Address": task.private_ip_address,
            "ipv6Address": task.ipv6_address,
        }
    ]
    assert {"name": "ipv6Address", "value": task.ipv6_address} in now["attachments"][0]["details"]


def test_the_account_default_counts_and_the_callers_own_overrules_it(
    ecs: Any, run: Run, store: Store, block: IPv6Network
) -> None:
    ecs.put_account_setting_default(name="dualStackIPv6", value="disabled")
    assert stored(store, run()["tasks"][0]).ipv6_address is None
    ecs.put_account_setting(name="dualStackIPv6", value="enabled")
    assert stored(store, run()["tasks"][0]).ipv6_address


def test_the_subnet_must_give_addresses(
    aws: Aws, run: Run, store: Store, site: Site, block: IPv6Network
) -> None:
    aws("ec2").modify_subnet_attribute(SubnetId=site.subnets[0], AssignIpv6AddressOnCreation={"Value": False})
    assert stored(store, run()["tasks"][0]).ipv6_address is None


def test_the_subnet_must_have_a_block(run: Run, store: Store) -> None:
    assert stored(store, run()["tasks"][0]).ipv6_address is None
