"""Route 53 fails over when a task can no longer be reached from the internet, and back."""

import time
from typing import Any

from tests.e2e.harness import Network, Seawall, interface_of, run_task, wait_for

RESOLVER = "198.19.0.2"
SPARE = "198.18.9.9"
PATIENCE_S = 45.0  # four looks, ten seconds apart


def member(identifier: str, role: str, address: str, **more: Any) -> dict[str, Any]:
    return {
        "Action": "CREATE",
        "ResourceRecordSet": {
            "Name": "app.failover.test",
            "Type": "A",
            "TTL": 5,
            "SetIdentifier": identifier,
            "Failover": role,
            "ResourceRecords": [{"Value": address}],
            **more,
        },
    }


def answered(seawall: Seawall, address: str) -> bool:
    """Whether the name comes to mean the address; each question takes a process, so nothing spins."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        found = seawall.internet("busybox", "nslookup", "-type=a", "app.failover.test", RESOLVER)
        if address in found.stdout:
            return True
    return False


def test_a_group_rule_taken_away_moves_the_name_to_the_spare(
    seawall: Seawall, account: None, network: Network
) -> None:
    ec2, route53 = seawall.client("ec2"), seawall.client("route53")
    group = ec2.create_security_group(GroupName="checked", Description="checked", VpcId=network.vpc)[
        "GroupId"
    ]
    door = {"GroupId": group, "IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "CidrIp": "0.0.0.0/0"}
    ec2.authorize_security_group_ingress(**door)
    arn = run_task(seawall, network.public, group, public=True)
    task = wait_for(seawall, "tasks_running", arn)
    address = interface_of(seawall, task)["Association"]["PublicIp"]
    check = route53.create_health_check(
        CallerReference="web",
        HealthCheckConfig={
            "Type": "HTTP",
            "IPAddress": address,
            "ResourcePath": "/",
            "RequestInterval": 10,
            "FailureThreshold": 1,
        },
    )["HealthCheck"]["Id"]
    zone = route53.create_hosted_zone(Name="failover.test", CallerReference="web")["HostedZone"]["Id"]
    pair = [
        member("here", "PRIMARY", address, HealthCheckId=check),
        member("spare", "SECONDARY", SPARE),
    ]
    route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": pair})
    assert answered(seawall, address)
    ec2.revoke_security_group_ingress(**door)
    assert answered(seawall, SPARE)
    seen = route53.get_health_check_last_failure_reason(HealthCheckId=check)["HealthCheckObservations"]
    assert address in seen[0]["StatusReport"]["Status"]
    ec2.authorize_security_group_ingress(**door)
    assert answered(seawall, address)
    status = route53.get_health_check_status(HealthCheckId=check)["HealthCheckObservations"]
    assert status[0]["StatusReport"]["Status"] == "Success: HTTP Status Code 200, OK."
    seawall.client("ecs").stop_task(task=arn)
    wait_for(seawall, "tasks_stopped", arn)
