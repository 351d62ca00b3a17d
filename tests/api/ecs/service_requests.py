"""CreateService's input, all good, for tests to spoil."""

from typing import Any

from tests.api.ecs.conftest import Site


def service_input(site: Site, **changes: Any) -> dict[str, Any]:
    """Two tasks of myapp over the site's subnets; a member that is None is left out."""
    network = {"subnets": list(site.subnets), "securityGroups": [site.group]}
    request = {
        "serviceName": "web",
        "taskDefinition": "myapp",
        "desiredCount": 2,
        "launchType": "FARGATE",
        "networkConfiguration": {"awsvpcConfiguration": network},
        **changes,
    }
    return {name: value for name, value in request.items() if value is not None}
