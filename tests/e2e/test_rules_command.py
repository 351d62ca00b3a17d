"""Traffic between tasks shows up, flow by flow, in `seawall rules` and in the NAT gateway's metrics."""

import json
import subprocess
from datetime import datetime, timedelta, timezone
from typing import Any

import httpx
from tests.e2e.harness import BIN, ROLE, Network, Seawall, interface_of, register, run_task, wait_for

FLOWS = 7


def rules(seawall: Seawall, *arguments: str) -> list[dict[str, Any]]:
    command = [BIN / "seawall", "--state-dir", seawall.state_dir, "--output", "json", "rules", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    said = json.loads(done.stdout)
    assert said["unread"] == []
    return list(said["rules"])


def make_group(ec2: Any, vpc: str, name: str) -> str:
    return str(ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc)["GroupId"])


def said_by(seawall: Seawall, task: dict[str, Any]) -> str:
    stream = f"ecs/web/{task['taskArn'].rpartition('/')[2]}"
    found = seawall.client("logs").get_log_events(logGroupName="/ecs/myapp", logStreamName=stream)
    return "\n".join(event["message"] for event in found["events"])


def test_each_new_flow_counts_once_for_the_rule_that_let_it_in(
    seawall: Seawall, account: None, network: Network
) -> None:
    ec2 = seawall.client("ec2")
    server, client = (make_group(ec2, network.vpc, f"counted-{name}") for name in ("server", "client"))
    peer = {"UserIdGroupPairs": [{"GroupId": client}]}
    anybody = {"IpRanges": [{"CidrIp": "10.0.0.0/16"}]}
    made = ec2.authorize_security_group_ingress(
        GroupId=server,
        IpPermissions=[
            {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, **peer},
            {"IpProtocol": "tcp", "FromPort": 8080, "ToPort": 8080, **anybody},
        ],
    )["SecurityGroupRules"]
    by_port = {rule["FromPort"]: rule["SecurityGroupRuleId"] for rule in made}
    arn = run_task(seawall, network.private, server)
    task = wait_for(seawall, "tasks_running", arn)
    address = interface_of(seawall, task)["PrivateIpAddress"]

    # A server that does not listen yet refuses, which is a flow as well.
    ask = f"wget -qO- http://{address}/ && answered=yes || sleep 0.3"
    script = f'for i in $(seq {FLOWS}); do {ask}; done; test "$answered"'
    role = f"arn:aws:iam::{seawall.running.account}:role/{ROLE}"
    definition = register(seawall, "asking", role, web={"command": ["/bin/sh", "-c", script]})
    asking = wait_for(seawall, "tasks_stopped", run_task(seawall, network.private, client, family=definition))
    assert asking["containers"][0]["exitCode"] == 0, said_by(seawall, asking)

    flows = {rule["rule"]: rule["flows"] for rule in rules(seawall, server)}
    assert flows[by_port[80]] == FLOWS
    assert flows[by_port[8080]] == 0
    unused = {rule["rule"] for rule in rules(seawall, "counted-server", "--unused")}
    assert by_port[8080] in unused
    assert by_port[80] not in unused
    seawall.client("ecs").stop_task(task=arn)
    wait_for(seawall, "tasks_stopped", arn)


def nat_sum(seawall: Seawall, nat: str, metric: str) -> float:
    """What `aws cloudwatch get-metric-statistics` tells, after a reading of this moment."""
    running = seawall.running
    httpx.get(
        f"{running.url}/_seawall/counters",
        headers={"Authorization": f"Bearer {running.control_token}"},
        timeout=30,
    ).raise_for_status()
    now = datetime.now(timezone.utc)
    query = ("--namespace", "AWS/NATGateway", "--metric-name", metric, "--statistics", "Sum")
    span = (now - timedelta(minutes=30)).isoformat(), (now + timedelta(minutes=2)).isoformat()
    said = seawall.aws_json(
        *("cloudwatch", "get-metric-statistics", *query, "--period", "60"),
        *("--dimensions", f"Name=NatGatewayId,Value={nat}"),
        *("--start-time", span[0], "--end-time", span[1]),
    )
    return float(sum(point["Sum"] for point in said["Datapoints"]))


def test_what_a_task_sends_through_a_nat_gateway_is_a_metric(
    seawall: Seawall, account: None, network: Network
) -> None:
    names = ("ConnectionAttemptCount", "ConnectionEstablishedCount", "BytesInFromDestination")
    before = {name: nat_sum(seawall, network.nat, name) for name in names}
    arn = run_task(seawall, network.private, network.group)  # it fetches its images through the gateway
    wait_for(seawall, "tasks_running", arn)
    seawall.client("ecs").stop_task(task=arn)
    wait_for(seawall, "tasks_stopped", arn)
    more = {name: nat_sum(seawall, network.nat, name) - before[name] for name in names}
    assert more["ConnectionAttemptCount"] > 0
    assert more["ConnectionEstablishedCount"] == more["ConnectionAttemptCount"]
    assert more["BytesInFromDestination"] > 1000
