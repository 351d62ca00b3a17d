"""What there is to see of load balancers: the API's words, the last probes, the verdicts on packets."""

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from seawall.app.saved_model import fetch_own, read_model
from seawall.compile.network.snapshot import NetworkSnapshot
from seawall.compile.walk.explain import explain
from seawall.compile.walk.packet import Packet
from seawall.program.report import BalancerReport, TargetReport

if TYPE_CHECKING:
    from seawall.app.clients import Clients

Described = dict[str, Any]
SILENT = ("timeout", "refused")  # causes that a packet's way may explain
CLIENT_PORT = 50000


class BalancerView:
    """Everything at one moment."""

    def __init__(self, clients: "Clients", state_dir: Path) -> None:
        self._clients = clients
        self._state_dir = state_dir
        self._snapshot: NetworkSnapshot | None = None
        reports = msgspec.json.decode(fetch_own(state_dir, "balancers"), type=list[BalancerReport])
        self._nodes = {report.id: report for report in reports}

    def balancers(self, name: str | None) -> list[Described]:
        """Each with its nodes, listeners and target groups.  Raises ClientError for an unknown name."""
        given = {"Names": [name]} if name else {}
        pages = self._clients.elbv2.get_paginator("describe_load_balancers").paginate(**given)
        return [self._balancer(found) for page in pages for found in page["LoadBalancers"]]

    def _balancer(self, found: Described) -> Described:
        arn = found["LoadBalancerArn"]
        nodes = list(self._own_nodes(arn))
        groups = self._clients.elbv2.describe_target_groups(LoadBalancerArn=arn)["TargetGroups"]
        return {
            "name": found["LoadBalancerName"],
            "arn": arn,
            "type": found["Type"],
            "scheme": found["Scheme"],
            "state": found["State"]["Code"],
            "dns_name": found["DNSName"],
            "nodes": nodes,
            "listeners": list(self._listeners(arn)),
            "target_groups": [self._target_group(group, nodes) for group in groups],
        }

    def _own_nodes(self, arn: str) -> Iterator[Described]:
        """A balancer's interfaces are found by their description, as with AWS."""
        described = f"ELB {arn.partition(':loadbalancer/')[2]}"
        filters: Any = [{"Name": "description", "Values": [described]}]
        for found in self._clients.ec2.describe_network_interfaces(Filters=filters)["NetworkInterfaces"]:
            report = self._nodes.get(found["NetworkInterfaceId"])
            yield {
                "interface": found["NetworkInterfaceId"],
                "zone": found["AvailabilityZone"],
                "subnet": found["SubnetId"],
                "private": found["PrivateIpAddress"],
                "public": found.get("Association", {}).get("PublicIp", "-"),
                "engine": _engine(report),
            }

    def _listeners(self, arn: str) -> Iterator[Described]:
        for listener in self._clients.elbv2.describe_listeners(LoadBalancerArn=arn)["Listeners"]:
            rules = self._clients.elbv2.describe_rules(ListenerArn=listener["ListenerArn"])["Rules"]
            yield {
                "protocol": listener["Protocol"],
                "port": listener["Port"],
                "rules": [
                    {
                        "priority": rule["Priority"],
                        "conditions": [_condition(condition) for condition in rule["Conditions"]],
                        "actions": [_action(action) for action in rule["Actions"]],
                    }
                    for rule in rules
                ],
            }

    def _target_group(self, group: Described, nodes: list[Described]) -> Described:
        arn = group["TargetGroupArn"]
        found = self._clients.elbv2.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
        pool = arn.partition(":targetgroup/")[2]
        return {
            "name": group["TargetGroupName"],
            "protocol": group["Protocol"],
            "port": group["Port"],
            "check": _check(group),
            "targets": [self._target(each, pool, nodes) for each in found],
        }

    def _target(self, found: Described, pool: str, nodes: list[Described]) -> Described:
        target, health = found["Target"], found["TargetHealth"]
        id = f"{target['Id']}:{target['Port']}"
        probes = {node["interface"]: self._probe(node["interface"], pool, id) for node in nodes}
        known = {interface: probe for interface, probe in probes.items() if probe is not None}
        return {
            "id": id,
            "zone": target.get("AvailabilityZone", "-"),
            "state": health["State"],
            "reason": health.get("Reason", ""),
            "description": health.get("Description", ""),
            "connections": sum(probe.connections for probe in known.values()),
            "probes": [
                self._probed(probe, node, target) for node in nodes if (probe := known.get(node["interface"]))
            ],
        }

    def _probe(self, interface: str, pool: str, target: str) -> TargetReport | None:
        report = self._nodes.get(interface)
        wanted = (pool.replace("/", ":"), target)
        return next((t for t in report.targets if (t.pool, t.target) == wanted), None) if report else None

    def _probed(self, probe: TargetReport, node: Described, target: Described) -> Described:
        told: Described = {"node": node["interface"], "state": probe.state, "text": probe.text or probe.cause}
        if probe.checked_at is not None:
            told["seconds_ago"] = round(max(time.time() - probe.checked_at, 0.0), 1)
        if probe.state == "unhealthy" and probe.cause in SILENT:
            told |= self._verdict(node, target)
        return told

    def _verdict(self, node: Described, target: Described) -> Described:
        """What becomes of the probe's packets, by the same model that the kernel was given."""
        if self._snapshot is None:
            self._snapshot = read_model(self._state_dir, None)
        packet = Packet(
            protocol="tcp",
            source=node["private"],
            destination=target["Id"],
            source_port=CLIENT_PORT,
            destination_port=target["Port"],
        )
        found = explain(self._snapshot, packet, start=node["interface"])
        if found.cause is None:
            return {"verdict": "the network lets it through: nothing answers at the target itself"}
        return {"verdict": found.cause.text, "commands": list(found.commands)}


def _engine(report: BalancerReport | None) -> str:
    if report is None:
        return "not heard of"
    return "running" if report.running else report.problem or "starting"


def _check(group: Described) -> str:
    if not group.get("HealthCheckEnabled", True):
        return "no health check"
    port = "" if group["HealthCheckPort"] == "traffic-port" else f" on port {group['HealthCheckPort']}"
    path = f" {group['HealthCheckPath']}" if "HealthCheckPath" in group else ""
    return f"{group['HealthCheckProtocol']}{path}{port} every {group['HealthCheckIntervalSeconds']} s"


def _condition(condition: Mapping[str, Any]) -> str:
    field = condition["Field"]
    for member, config in condition.items():
        if member.endswith("Config"):
            values = config["Values"]
            shown = [f"{v.get('Key', '')}={v['Value']}" if isinstance(v, dict) else v for v in values]
            return f"{config.get('HttpHeaderName', field)} {' or '.join(shown)}"
    return f"{field} {' or '.join(condition.get('Values', ()))}"


def _action(action: Mapping[str, Any]) -> str:
    if action["Type"] == "forward":
        groups = action.get("ForwardConfig", {}).get("TargetGroups") or [action]
        names = [group["TargetGroupArn"].rpartition("targetgroup/")[2].partition("/")[0] for group in groups]
        if len(groups) == 1:
            return f"forward to {names[0]}"
        weighted = (f"{name} ({group['Weight']})" for name, group in zip(names, groups, strict=True))
        return f"forward to {', '.join(weighted)}"
    if action["Type"] == "redirect":
        config = action["RedirectConfig"]
        where = f"{config['Protocol']}://{config['Host']}:{config['Port']}{config['Path']}"
        return f"redirect to {where}"
    return f"answer {action['FixedResponseConfig']['StatusCode']}"
