"""Requests that are all good, for tests to spoil."""

import json
from typing import Any


def trust(service: str) -> str:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def fargate(**changes: Any) -> dict[str, Any]:
    """RegisterTaskDefinition's input, all good; a test spoils one member."""
    return {
        "family": "myapp",
        "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"],
        "cpu": "256",
        "memory": "512",
        "containerDefinitions": [{"name": "web", "image": "nginx"}],
        **changes,
    }


def container(**changes: Any) -> dict[str, Any]:
    return {"containerDefinitions": [{"name": "web", "image": "nginx", **changes}]}
