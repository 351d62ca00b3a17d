"""`--interface-release`: an interface holds address, subnet and group a while after its task, as on AWS."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import botocore.exceptions
from tests.e2e.harness import Network, Seawall, interface_of, prepare_account, run_task, wait_for

RELEASE_S = 10
PATIENCE_S = 60


def refusal(call: Callable[..., Any], **params: str) -> str:
    """The error code; "" where the call is obeyed."""
    try:
        call(**params)
    except botocore.exceptions.ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


def free_addresses(ec2: Any, subnet: str) -> int:
    return int(ec2.describe_subnets(SubnetIds=[subnet])["Subnets"][0]["AvailableIpAddressCount"])


def test_what_a_stopped_task_leaves_holds_on_for_the_time_given(
    another_seawall: Callable[..., AbstractContextManager[Seawall]],
) -> None:
    with another_seawall("--interface-release", str(RELEASE_S)) as seawall:
        prepare_account(seawall)
        network, ec2, ecs = Network(seawall), seawall.client("ec2"), seawall.client("ecs")
        free = free_addresses(ec2, network.public)
        task = wait_for(
            seawall, "tasks_running", run_task(seawall, network.public, network.group, public=True)
        )
        interface = interface_of(seawall, task)["NetworkInterfaceId"]
        stopping = time.monotonic()
        ecs.stop_task(task=task["taskArn"])
        wait_for(seawall, "tasks_stopped", task["taskArn"])
        assert free_addresses(ec2, network.public) == free - 1
        assert refusal(ec2.delete_security_group, GroupId=network.group) == "DependencyViolation"
        assert refusal(ec2.delete_subnet, SubnetId=network.public) == "DependencyViolation"
        held = interface_of(seawall, task)
        assert (held["NetworkInterfaceId"], held["Status"]) == (interface, "detaching")
        assert held["Attachment"]["Status"] == "detaching"
        while (code := refusal(ec2.delete_security_group, GroupId=network.group)) == "DependencyViolation":
            assert time.monotonic() - stopping < PATIENCE_S
            time.sleep(0.2)  # asking again is all that a client can do
        assert code == ""
        assert time.monotonic() - stopping >= RELEASE_S
        assert free_addresses(ec2, network.public) == free
        gone = refusal(ec2.delete_network_interface, NetworkInterfaceId=interface)
        assert gone == "InvalidNetworkInterfaceID.NotFound"
