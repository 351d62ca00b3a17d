"""Load balancers for tests of the network: a few lines make one with nodes, listeners and targets."""

from typing import Any

from tests.packet.world_data import BORN, Cloud

from seawall.model.listener import Action, Listener, WeightedGroup
from seawall.model.load_balancer import LoadBalancer, LoadBalancerNode
from seawall.model.resource import Ref
from seawall.model.target_group import Target, TargetGroup, target_id


def balancer(
    cloud: Cloud,
    name: str,
    *places: tuple[str, str],
    kind: str = "app",
    groups: tuple[str, ...] = (),
    public: tuple[str | None, ...] = (),
    **members: Any,
) -> str:
    """KIND/NAME/0 with a node eni-NAME-N at each place (subnet, address); `public` are their addresses."""
    id = f"{kind}/{name}/0"
    nodes = []
    for number, (subnet, address) in enumerate(places):
        cloud.task(
            f"{name}-{number}",
            subnet,
            address,
            *groups,
            public=public[number] if public else None,
            interface_type="interface" if kind == "app" else "network_load_balancer",
        )
        interface = cloud.change(f"eni-{name}-{number}", owner=Ref("load_balancer", id))
        nodes.append(
            LoadBalancerNode(
                availability_zone=interface.availability_zone,
                subnet_id=subnet,
                network_interface_id=interface.id,
            )
        )
    region = "us-east-1.elb" if kind == "app" else "elb.us-east-1"
    cloud.put(
        LoadBalancer(
            id=id,
            name=name,
            type="application" if kind == "app" else "network",
            scheme="internet-facing" if public else "internal",
            vpc_id=interface.vpc_id,
            nodes=tuple(nodes),
            group_ids=groups,
            dns_name=f"{name}-0.{region}.amazonaws.com",
            canonical_hosted_zone_id="Z35SXDOTRQ7X7K" if kind == "app" else "Z26RNL4JYFTOTI",
            created_time=BORN,
            **({"state": "active"} | members),
        )
    )
    return id


def listener(cloud: Cloud, of: str, protocol: str, port: int, group: str, **members: Any) -> str:
    """One that forwards everything to a target group."""
    action = Action(type="forward", target_groups=(WeightedGroup(target_group_id=group),))
    made = Listener(
        id=f"{of}/{port}{protocol}",
        load_balancer_id=of,
        protocol=protocol,
        port=port,
        default_actions=(action,),
        default_rule_id=f"{of}/{port}{protocol}/0",
        **members,
    )
    return str(cloud.put(made).id)


def target_group(cloud: Cloud, name: str, protocol: str, port: int, **attributes: str) -> str:
    """NAME/0; attributes have "__" for ".": preserve_client_ip__enabled="true"."""
    made = TargetGroup(
        id=f"{name}/0",
        name=name,
        protocol=protocol,
        port=port,
        attributes={key.replace("__", "."): value for key, value in attributes.items()},
        created_time=BORN,
    )
    return str(cloud.put(made).id)


def target(cloud: Cloud, group: str, address: str, port: int, *nodes: str, **members: Any) -> str:
    """A target that these nodes (by interface) find healthy."""
    made = Target(
        id=target_id(group, address, port),
        target_group_id=group,
        target=address,
        port=port,
        registered_at=BORN,
        load_balancer_nodes=dict.fromkeys(nodes, "healthy"),
        **(
            {"state": "healthy", "reason": None, "description": None, "availability_zone": "us-east-1a"}
            | members
        ),
    )
    return str(cloud.put(made).id)
