"""What `seawall lb` prints of what it found."""

from typing import Any

from seawall.app.commands.lb import lines

MEND = "aws ec2 authorize-security-group-ingress ..."


def target(id: str, state: str, *verdicts: str, **more: Any) -> dict[str, Any]:
    probes: list[dict[str, Any]] = [
        {"node": "eni-1", "state": state, "text": "", "seconds_ago": 3.0, "verdict": verdict}
        | {"commands": [MEND]}
        for verdict in verdicts
    ]
    given = {"id": id, "zone": "us-east-1a", "state": state, "description": "", "connections": 2}
    return {**given, "probes": probes or [{"state": state, "text": "200", "seconds_ago": 1.0}], **more}


def balancer(*targets: dict[str, Any]) -> dict[str, Any]:
    rule = {"priority": "10", "conditions": ["path-pattern /a*", "source-ip 10.0.0.0/8"]}
    default: dict[str, Any] = {"priority": "default", "conditions": [], "actions": ["answer 404"]}
    return {
        "name": "shop",
        "type": "application",
        "scheme": "internal",
        "state": "active",
        "dns_name": "internal-shop-1.us-east-1.elb.amazonaws.com",
        "nodes": [
            {
                "interface": "eni-1",
                "zone": "us-east-1a",
                "subnet": "subnet-1",
                "private": "10.0.0.4",
                "public": "-",
                "engine": "running",
            }
        ],
        "listeners": [
            {
                "protocol": "HTTP",
                "port": 80,
                "rules": [{**rule, "actions": ["forward to web"]}, default],
            }
        ],
        "target_groups": [
            {
                "name": "web",
                "protocol": "HTTP",
                "port": 80,
                "check": "HTTP / every 30 s",
                "targets": list(targets),
            }
        ],
    }


def test_rules_targets_and_what_would_mend_them() -> None:
    shown = list(
        lines(
            [
                balancer(
                    target("10.0.0.5:80", "healthy"),
                    target("10.0.0.6:80", "unhealthy", "no rule lets .6 in", "no rule lets .6 in either"),
                    target("10.0.0.7:80", "draining"),
                )
            ]
        )
    )
    text = "\n".join(shown)
    assert "10       path-pattern /a* and source-ip 10.0.0.0/8  forward to web" in text
    assert "default  anything                                   answer 404" in text
    assert "target group web HTTP:80, HTTP / every 30 s: 1 of 3 healthy" in text
    assert "10.0.0.5:80  us-east-1a  healthy    2            200, 1 s ago" in text
    assert "(it finishes what it has)" in text
    assert shown[-2:] == ["    packets: no rule lets .6 in (and 1 more)", f"        {MEND}"]


def test_without_load_balancers_it_says_so() -> None:
    assert list(lines([])) == ["There are no load balancers."]
