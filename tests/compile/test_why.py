"""Causes of failures in words and in lines to paste, from facts alone."""

import json
import shlex
from datetime import datetime, timedelta, timezone

import pytest
from msgspec.structs import replace
from tests.fresh_task import fresh_task

from seawall.compile.why import absent
from seawall.compile.why.container import dependency_finding, exit_finding, health_finding
from seawall.compile.why.permission import (
    EXECUTION_POLICY,
    Decided,
    EndpointPolicy,
    denial,
    layers_finding,
    permission_finding,
)
from seawall.compile.why.waiting import waits_for
from seawall.compile.why.waterfall import phases_of, waterfall
from seawall.model.task import Task
from seawall.model.task_definition import ContainerDefinition, ContainerDependency, TaskDefinition
from seawall.program.report import ContainerReport, Health, Phase, Problem

BORN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
USER = "arn:aws:sts::123456789012:assumed-role/exec/0123"
SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:db"


def at(seconds: float) -> datetime:
    return BORN + timedelta(seconds=seconds)


def task(**changes: object) -> Task:
    fresh = fresh_task(created_at=BORN)
    return replace(fresh, **changes)


def report(name: str, **more: object) -> ContainerReport:
    return ContainerReport(name=name, runtime_id=name, **more)


@pytest.mark.parametrize(
    ("said", "resource", "kind", "explicit"),
    [
        ("on resource: * because no identity-based policy allows the a:B action", "*",
         "identity-based policy", False),
        ('on resource: "arn:x/y" because no VPC endpoint policy allows the a:B action', "arn:x/y",
         "VPC endpoint policy", False),
        ("on resource: arn:x with an explicit deny in an identity-based policy : exit status 1", "arn:x",
         "identity-based policy", True),
        ("", "*", "", False),
    ],
)  # fmt: skip
def test_a_denied_call_is_understood(said: str, resource: str, kind: str, explicit: bool) -> None:
    found = denial(f"AccessDeniedException: User: {USER} is not authorized to perform: a:B {said}")
    assert found is not None
    assert (found.user, found.action, found.role) == (USER, "a:B", "exec")
    assert (found.resource, found.kind, found.explicit) == (resource, kind, explicit)


def test_other_words_are_no_denial() -> None:
    assert denial("ResourceNotFoundException: The specified log group does not exist.") is None


def test_what_is_missing_in_a_role_is_attached_or_written() -> None:
    text = f"User: {USER} is not authorized to perform: ecr:GetAuthorizationToken on resource: *"
    denied = denial(f"{text} because no identity-based policy allows the ecr:GetAuthorizationToken action")
    assert denied is not None
    shipped = permission_finding(denied, Decided(shipped=True))
    assert shipped.commands == (
        f"aws iam attach-role-policy --role-name exec --policy-arn {EXECUTION_POLICY}",
    )
    (written,) = permission_finding(denied, Decided()).commands
    assert '"Action": "ecr:GetAuthorizationToken", "Resource": "*"' in written
    helpless = permission_finding(denied, Decided(helped=False))
    assert helpless.commands == ()
    assert helpless.advice


def test_no_allow_is_proposed_against_a_deny() -> None:
    text = f"User: {USER} is not authorized to perform: s3:GetObject on resource: arn:o"
    denied = denial(f"{text} with an explicit deny in an identity-based policy")
    assert denied is not None
    found = permission_finding(denied, Decided(denying=(("guard", "NoObjects"),)))
    assert found.cause == "role exec is denied s3:GetObject on arn:o by guard (statement NoObjects)"
    assert found.commands == ()


def test_an_endpoints_policy_gets_one_more_statement() -> None:
    narrow = '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:ListBucket"}}'
    endpoint = EndpointPolicy("vpce-1", narrow)
    (command,) = layers_finding(endpoint, "us-east-1").commands
    assert command.startswith("aws ec2 modify-vpc-endpoint --vpc-endpoint-id vpce-1 --policy-document '{")
    document = json.loads(shlex.split(command)[-1])
    assert [s["Action"] for s in document["Statement"]] == ["s3:ListBucket", "s3:GetObject"]
    assert document["Statement"][1]["Resource"] == "arn:aws:s3:::prod-us-east-1-starport-layer-bucket/*"
    text = f"User: {USER} is not authorized to perform: a:B on resource: *"
    denied = denial(f"{text} because no VPC endpoint policy allows the a:B action")
    assert denied is not None
    found = permission_finding(denied, Decided(), endpoint)
    assert found.missing["vpc_endpoint"] == "vpce-1"
    assert '"Action": "a:B"' in found.commands[0]


def test_a_secret_that_is_gone_deleted_or_of_another_suffix() -> None:
    gone = absent.absent_secret(SECRET, absent.SecretFacts(False), "")
    assert gone.commands == ("aws secretsmanager create-secret --name db --secret-string '<VALUE>'",)
    assert gone.advice == ""
    full = absent.absent_secret(f"{SECRET}-AbCdEf", absent.SecretFacts(False), "")
    assert "--name db " in full.commands[0]
    assert "another suffix" in full.advice
    marked = absent.absent_secret(SECRET, absent.SecretFacts(True, True, f"{SECRET}-1"), "")
    assert marked.commands == (f"aws secretsmanager restore-secret --secret-id {SECRET}-1",)
    other = absent.absent_secret(f"{SECRET}-AbCdEf", absent.SecretFacts(False, False, f"{SECRET}-1"), "")
    assert f"{SECRET}-1" in other.cause
    assert other.commands == ()


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("word", "word"),
        ("/app/word", "/app/word"),
        ("arn:aws:ssm:us-east-1:123456789012:parameter/app/word", "/app/word"),
        ("arn:aws:ssm:us-east-1:123456789012:parameter/word", "word"),
    ],
)
def test_a_parameter_that_is_gone(asked: str, name: str) -> None:
    (command,) = absent.absent_parameters([asked]).commands
    assert f"--name {name} " in command


def test_an_image_that_is_gone() -> None:
    reference = "123456789012.dkr.ecr.us-east-1.amazonaws.com/web:next"
    foreign = absent.absent_image("docker.io/library/nope:1", absent.ImageFacts(""))
    assert (foreign.commands, bool(foreign.advice)) == ((), True)
    unmade = absent.absent_image(reference, absent.ImageFacts("web"))
    assert unmade.commands[0] == "aws ecr create-repository --repository-name web"
    empty = absent.absent_image(reference, absent.ImageFacts("web", True))
    assert empty.commands == (f"docker push {reference}",)
    other = absent.absent_image(reference, absent.ImageFacts("web", True, ["v1", "v2"]))
    assert other.cause == "repository web has no tag next; it has v1, v2"
    assert "imageTag=v2" in other.commands[0]


def test_a_container_that_ended_first_is_the_cause() -> None:
    container = task().containers[0]
    first = replace(container, last_status="STOPPED", exit_code=127, finished_at=at(2))
    later = replace(container, name="api", last_status="STOPPED", exit_code=137, finished_at=at(3))
    found = exit_finding(task(containers=(later, first)), logs=True)
    assert found is not None
    assert found.cause.endswith("web ended by itself: exit code 127 (its command was not found)")
    assert f"seawall logs {'a' * 32} web" in found.advice


def test_memory_is_the_containers_own_or_the_tasks() -> None:
    killed = replace(
        task().containers[0],
        last_status="STOPPED",
        exit_code=137,
        reason="OutOfMemoryError: Container killed",
    )
    whole = exit_finding(task(containers=(killed,)), logs=True)
    own = exit_finding(task(containers=(replace(killed, memory="64"),)), logs=True)
    assert whole is not None
    assert own is not None
    assert whole.cause.endswith("the task's 512 MiB")
    assert own.cause.endswith("its own limit of 64 MiB")


def test_checks_that_fail_are_told_with_their_output() -> None:
    health = Health(status="UNHEALTHY", exit_code=3, output="not yet\n")
    reports = {"web": report("web", state="running", health=health)}
    found = health_finding(task(), reports)
    assert found is not None
    assert found.cause == "the health check of web fails, exit code 3: not yet"
    waited = dependency_finding("app", "timed out", reports)
    assert waited.cause == (
        "container app was not started: timed out; the check of web last ended with exit code 3: not yet"
    )
    assert health_finding(task(), {"web": report("web", state="running")}) is None


def test_a_waterfall_is_in_order_and_ends_with_the_task() -> None:
    parts = (
        Phase(name="image", began=at(2).timestamp(), ended=at(4).timestamp()),
        Phase(name="log stream", began=at(1).timestamp()),
    )
    ended = task(
        phases=phases_of((report("web", phases=parts),)),
        connectivity_at=at(1),
        stopping_at=at(5),
        execution_stopped_at=at(5),
        stopped_at=at(6),
    )
    found = waterfall(ended)
    assert [(p.name, p.began, p.ended) for p in found] == [
        ("API accepted the task", BORN, BORN),
        ("interface made and in force", BORN, at(1)),
        ("log stream", at(1), at(5)),
        ("image", at(2), at(4)),
        ("containers stopped", at(5), at(5)),
        ("interface released", at(5), at(6)),
    ]


def test_what_ended_before_its_start_was_noted_took_no_time() -> None:
    quick = replace(task().containers[0], started_at=at(3), finished_at=at(2), exit_code=1)
    (runs,) = [p for p in waterfall(task(containers=(quick,))) if p.name == "runs"]
    assert (runs.began, runs.ended) == (at(3), at(3))


def definition() -> TaskDefinition:
    wants = (ContainerDependency(container_name="db", condition="HEALTHY"),)
    return TaskDefinition(
        id="myapp:1",
        family="myapp",
        revision=1,
        registered_at=BORN,
        registered_by="",
        container_definitions=(
            ContainerDefinition(name="web", image="web:1", depends_on=wants),
            ContainerDefinition(name="db", image="db:1"),
        ),
    )


def waits(status: str, *reports: ContainerReport, **more: object) -> tuple[str, ...]:
    problems = more.get("problems", ())
    known = {r.name: r for r in reports}
    asked = task(last_status=status)
    return waits_for(asked, definition(), known, problems, host=more.get("host", True) is True)  # type: ignore[arg-type]


def test_what_a_task_waits_for() -> None:
    assert waits("RUNNING") == ()
    assert waits("PROVISIONING", host=False)[0].startswith("a host")
    problem = Problem(subject=f"task-{'a' * 32}", text="no such device")
    assert waits("PROVISIONING", problems=(problem,))[0].endswith("not in force yet: no such device")
    pulling = report("web", phases=(Phase(name="image", began=1.0, text="1 of 3 layers"),))
    assert waits("PENDING", pulling) == ("container web: its image is pulled (1 of 3 layers)",)
    created = report("web", state="created")
    assert waits("PENDING", created) == ("container web: db is to be HEALTHY",)
    well = report("db", state="running", health=Health(status="HEALTHY"))
    assert waits("PENDING", created, well) == ("container web: it is created",)
