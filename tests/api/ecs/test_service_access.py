"""What the operations on services ask permission for: their ARNs, whatever form they are named in."""

from collections.abc import Iterable
from datetime import datetime, timezone
from typing import Any

import pytest
from tests.api.conftest import ACCOUNT, REGION
from tests.api.ecs.conftest import Site
from tests.api.ecs.service_requests import service_input

from seawall.api.registry import load_operations
from seawall.iam.access import CallFacts, Target, accesses
from seawall.iam.principal import Principal
from seawall.store.store import Store

ROOT = f"arn:aws:ecs:{REGION}:{ACCOUNT}:"
CALLER = Principal(
    kind="root", account=ACCOUNT, arn=f"arn:aws:iam::{ACCOUNT}:root", user_id=ACCOUNT, access_key_id="A"
)
WEB = f"{ROOT}service/shop/web"


def asked(store: Store, operation: str, params: dict[str, Any]) -> list[tuple[str, list[Target], Any]]:
    """Action, resources and condition keys of each thing that is asked."""
    load_operations()
    facts = CallFacts(
        store=store,
        account=ACCOUNT,
        region=REGION,
        now=datetime(2026, 1, 1, tzinfo=timezone.utc),
        principal=CALLER,
    )
    found = []
    for one in accesses("ecs", operation):
        given: Iterable[str | Target] = one.resources(params, facts) if one.resources else ()
        targets = [target if isinstance(target, Target) else Target(target) for target in given]
        action = one.action if isinstance(one.action, str) else one.action(params, facts)
        found.append((action, targets, one.context(params, facts) if one.context else {}))
    return found


@pytest.mark.parametrize("named", ["web", WEB, f"{ROOT}service/web"])
@pytest.mark.parametrize(
    ("operation", "member"),
    [
        ("CreateService", "serviceName"),
        ("UpdateService", "service"),
        ("DeleteService", "service"),
        ("DescribeServices", "services"),
        ("ListServiceDeployments", "service"),
    ],
)
def test_a_service_goes_by_its_long_arn(store: Store, operation: str, member: str, named: str) -> None:
    given = [named] if member == "services" else named
    (action, targets, context), *_ = asked(store, operation, {"cluster": "shop", member: given})
    assert action == f"ecs:{operation}"
    assert [target.arn for target in targets] == [WEB]
    assert context["ecs:cluster"] == f"{ROOT}cluster/shop"


@pytest.mark.parametrize(
    ("operation", "member", "kind"),
    [
        ("DescribeServiceDeployments", "serviceDeploymentArns", "service-deployment"),
        ("StopServiceDeployment", "serviceDeploymentArn", "service-deployment"),
        ("DescribeServiceRevisions", "serviceRevisionArns", "service-revision"),
    ],
)
def test_history_tells_its_service(store: Store, operation: str, member: str, kind: str) -> None:
    arn = f"{ROOT}{kind}/shop/web/1"
    ((_, (target,), _),) = asked(store, operation, {member: arn if member.endswith("Arn") else [arn]})
    assert target.arn == arn
    assert target.context == {"ecs:cluster": f"{ROOT}cluster/shop", "ecs:service": WEB}


def test_what_a_new_service_is_conditioned_on(store: Store, site: Site) -> None:
    request = service_input(site, tags=[{"key": "a", "value": "b"}], role="r")
    (_, _, context), (passed, (role,), to), _, (tagged, made, _) = asked(store, "CreateService", request)
    assert context["ecs:task-definition"] == f"{ROOT}task-definition/myapp:1"
    assert context["ecs:subnet"] == list(site.subnets)
    assert (context["ecs:enable-execute-command"], context["ecs:enable-service-connect"]) == (
        "false",
        "false",
    )
    assert (passed, role.arn) == ("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/r")
    assert to == {"iam:PassedToService": "ecs.amazonaws.com"}
    assert (tagged, [target.arn for target in made]) == ("ecs:TagResource", [f"{ROOT}service/default/web"])


def test_the_tags_of_a_service_count(store: Store, ecs: Any, site: Site) -> None:
    ecs.create_service(**service_input(site, tags=[{"key": "team", "value": "a"}]))
    ((_, (target,), _),) = asked(store, "DeleteService", {"service": "web"})
    assert target.tags == {"team": "a"}
