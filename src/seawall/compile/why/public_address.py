"""A task run once more with a public address: what a public subnet's way to the internet asks for."""

import json
import shlex

from msgspec.structs import replace

from seawall.compile.network.snapshot import NetworkSnapshot
from seawall.compile.walk.change import Change, put
from seawall.compile.walk.explain import Answer
from seawall.compile.walk.route_changes import NEW_ADDRESS
from seawall.model.network_interface import NetworkInterface, PublicAssociation
from seawall.model.task import Task

WITHOUT_ADDRESS = "IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS"


def public_address_change(
    snapshot: NetworkSnapshot, interface: NetworkInterface, task: Task, found: Answer
) -> Change | None:
    """None where an address is not what is missing, or the VPC is made for tasks that have none.

    It is: with a NAT gateway to lead to, or endpoints.
    """
    assert found.cause is not None
    nat_gateway = bool(found.commands) and not any("create-nat-gateway" in line for line in found.commands)
    endpoint = any(endpoint.vpc_id == interface.vpc_id for endpoint in snapshot.vpc_endpoints)
    if found.cause.code != WITHOUT_ADDRESS or task.assign_public_ip or nat_gateway or endpoint:
        return None
    association = PublicAssociation(public_ip=NEW_ADDRESS, ip_owner_id="amazon")
    given = replace(interface, association=association)
    return Change(run_again(task), lambda before: put(before, "network_interfaces", given))


def run_again(task: Task) -> str:
    """A line that runs the task anew as it was, with a public address."""
    groups = ",".join(task.security_group_ids)
    network = f"awsvpcConfiguration={{subnets=[{task.subnet_id}],securityGroups=[{groups}]"
    options = {
        "cluster": task.cluster,
        "task-definition": task.task_definition,
        "network-configuration": f"{network},assignPublicIp=ENABLED}}",
        **_capacity(task),
    }
    if any(task.overrides.values()):
        options["overrides"] = json.dumps(task.overrides)
    if task.platform_version == "1.3.0":
        options["platform-version"] = task.platform_version
    words = [f"--{name} {shlex.quote(value)}" for name, value in options.items()]
    if task.enable_execute_command:
        words.append("--enable-execute-command")
    return " ".join(("aws ecs run-task", *words))


def _capacity(task: Task) -> dict[str, str]:
    if task.capacity_provider_name is not None:
        return {"capacity-provider-strategy": f"capacityProvider={task.capacity_provider_name}"}
    return {"launch-type": task.launch_type}
