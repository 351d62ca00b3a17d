"""The cause of a task's failure, looked for at the moment it failed: what is in the way may be gone later."""

from collections.abc import Callable

from msgspec.structs import replace

from seawall.compile.stop_reason import UNANSWERED
from seawall.compile.why import absent
from seawall.compile.why.container import dependency_finding, exit_finding
from seawall.compile.why.network import network_finding
from seawall.compile.why.permission import (
    LAYERS_ACTION,
    EndpointPolicy,
    denial,
    layers_finding,
    layers_resource,
    permission_finding,
)
from seawall.controllers.loop import Context
from seawall.controllers.network_snapshot import network_snapshot
from seawall.controllers.policy_decision import decided, passes
from seawall.model.endpoint_service import find_service
from seawall.model.finding import Finding, TaskFailure
from seawall.model.image import Image
from seawall.model.image_reference import parse_image_reference
from seawall.model.network_interface import NetworkInterface
from seawall.model.repository import Repository
from seawall.model.secret import Secret
from seawall.model.task import Task
from seawall.model.task_definition import ContainerDefinition, TaskDefinition
from seawall.model.vpc_endpoint import VpcEndpoint
from seawall.program.report import ContainerReport


def with_finding(task: Task, context: Context) -> Task:
    """The task with the cause of its end, where it ends by itself and that is not known yet."""
    if task.finding is not None:
        return task
    if task.failure is not None:
        return replace(task, finding=failure_finding(task, task.failure, context))
    if task.stop_code == "EssentialContainerExited":
        definition = context.store.find(TaskDefinition, task.task_definition)
        logs = definition is not None and any(
            c.log_configuration is not None for c in definition.container_definitions
        )
        return replace(task, finding=exit_finding(task, logs=logs))
    return task


def failure_finding(task: Task, failure: TaskFailure, context: Context) -> Finding:
    """Why a step of the launch failed."""
    interface = context.store.find(NetworkInterface, task.network_interface_id or "")
    if failure.cause in UNANSWERED and interface is not None and _over_own_interface(task, failure):
        unanswered = network_finding(network_snapshot(context), interface, failure, context.resolve, task)
        return unanswered if context.uplink or "name" not in unanswered.missing else _closed(unanswered)
    denied = denial(failure.text)
    if denied is not None:
        return permission_finding(
            denied, decided(denied, context), _endpoint(task, failure.url or "", context)
        )
    definition = context.store.find(TaskDefinition, task.task_definition)
    container = definition.container(failure.container) if definition is not None else None
    find = _FINDERS.get(failure.step)
    found = find(task, failure, container, context) if find is not None else None
    return found or Finding(
        category="platform" if failure.step == "volumes" else "container",
        cause=f"{failure.step} of container {failure.container} failed: {_plain(failure.text)}",
        missing={"container": failure.container},
        advice=_ADVICE.get(failure.step, ""),
    )


def _plain(text: str) -> str:
    """What is at fault, without through how many hands it went."""
    for hand in _HANDS:
        text = text.removeprefix(hand)
    return text.removesuffix(": unknown")


def _over_own_interface(task: Task, failure: TaskFailure) -> bool:
    """Before 1.4.0 registry login and secrets travel over an interface of Fargate's."""
    return task.platform_version != "1.3.0" or failure.step not in ("registry_auth", "secrets")


def _closed(found: Finding) -> Finding:
    """A host that nobody knows here may be one of the real internet, which is out of reach."""
    advice = (
        "If it is a host of the real internet: Seawall's own is closed unless it was started with `seawall up"
        " --uplink`. An image can also be copied into a repository of Seawall's (aws ecr create-repository,"
        " then skopeo copy or docker push)."
    )
    return replace(found, advice=f"{found.advice} {advice}")


_ADVICE = {
    "start": "Correct entryPoint, command, user or workingDirectory in a new revision, or the image.",
    "create": "Correct what the text names in a new revision, or the image.",
}

_HANDS = (
    "failed to create new container runtime task: failed to create shim task: OCI runtime create failed: ",
    "runc create failed: unable to start container process: ",
    "unable to create new container: ",
)

_Container = ContainerDefinition | None


def _pull(task: Task, failure: TaskFailure, container: _Container, context: Context) -> Finding | None:
    image = container.image if container is not None else ""
    if failure.text.startswith("image Manifest does not contain"):
        wanted = "ARM64" if task.cpu_architecture == "arm64" else "X86_64"
        return absent.absent_platform(str(parse_image_reference(image)), wanted)
    if failure.cause == "not_found":
        return absent.absent_image(str(parse_image_reference(image)), _image_facts(image, context))
    if "403" in failure.text and (withheld := _layers(task, image, context)) is not None:
        return withheld
    if failure.cause == "denied":
        given = container.repository_credentials if container is not None else None
        named = given.credentials_parameter if given is not None else None
        return absent.refused_login(image, named, failure.text)
    return None


def _image_facts(image: str, context: Context) -> absent.ImageFacts:
    reference = parse_image_reference(image)
    if not reference.ecr_region:
        return absent.ImageFacts("")
    name = reference.repository
    repository = context.store.find(Repository, name)
    if repository is None:
        return absent.ImageFacts(name)
    images = sorted(context.store.referrers(Image, repository.ref), key=lambda found: found.pushed_at)
    return absent.ImageFacts(name, True, [tag for found in images for tag in found.tags])


def _secret(task: Task, failure: TaskFailure, container: _Container, context: Context) -> Finding | None:
    named = [s.value_from for s in container.secrets or ()] if container is not None else []
    if container is not None and container.repository_credentials is not None:
        named.append(container.repository_credentials.credentials_parameter)
    if "did not contain json key" in failure.text:
        key = failure.text.rsplit(" ", 1)[-1]
        holders = [_whole(value) for value in named if f":{key}:" in f"{value}:"]
        return absent.absent_json_key(key, holders[0] if holders else "")
    if "invalid ssm parameters" in failure.text:
        names = failure.text.rpartition("invalid ssm parameters: ")[2].split(", ")
        return absent.absent_parameters(names)
    if "InvalidRequestException" not in failure.text and failure.cause != "not_found":
        return None
    asked = next((_whole(value) for value in named if _whole(value) in failure.text), None)
    if asked is None:
        return None
    return absent.absent_secret(asked, _secret_facts(asked, context), failure.text)


def _whole(value_from: str) -> str:
    """The secret's ARN without json-key, stage and version."""
    return ":".join(value_from.split(":")[:7])


def _secret_facts(asked: str, context: Context) -> absent.SecretFacts:
    for secret in context.store.all(Secret):
        full = f"{secret.id}-{secret.suffix}"
        arn = f"arn:aws:secretsmanager:{context.region}:{context.account}:secret:{full}"
        name = asked.rpartition(":secret:")[2]
        if name in (secret.id, full):
            return absent.SecretFacts(True, secret.deleted_at is not None, arn)
        if name.rpartition("-")[0] == secret.id:
            return absent.SecretFacts(False, False, arn)
    return absent.SecretFacts(False)


def _logs(task: Task, failure: TaskFailure, container: _Container, context: Context) -> Finding | None:
    configuration = container.log_configuration if container is not None else None
    if failure.cause != "not_found" or configuration is None:
        return None
    return absent.absent_log_group((configuration.options or {}).get("awslogs-group", ""))


def _files(task: Task, failure: TaskFailure, container: _Container, context: Context) -> Finding | None:
    return absent.absent_object(failure.url or "") if failure.cause == "not_found" else None


def _dependency(task: Task, failure: TaskFailure, container: _Container, context: Context) -> Finding:
    return dependency_finding(failure.container, failure.text, reports_of(task, context))


_FINDERS: dict[str, Callable[[Task, TaskFailure, _Container, Context], Finding | None]] = {
    "pull": _pull,
    "registry_auth": _secret,
    "secrets": _secret,
    "environment_files": _files,
    "logs": _logs,
    "dependency": _dependency,
}


def reports_of(task: Task, context: Context) -> dict[str, ContainerReport]:
    """What the host says of the task's containers now, by name."""
    report = context.host.reports.get(task.id)
    return {r.name: r for r in report.containers} if report is not None else {}


def _endpoint(task: Task, url: str, context: Context) -> EndpointPolicy | None:
    """Of the endpoint in the task's VPC that leads to the service of `url`."""
    interface = context.store.find(NetworkInterface, task.network_interface_id or "")
    host = url.partition("//")[2].partition("/")[0]
    if interface is None:
        return None
    for endpoint in context.store.all(VpcEndpoint):
        service = find_service(endpoint.service_name, context.region)
        if endpoint.vpc_id == interface.vpc_id and endpoint.state == "available" and service is not None:
            name = service.public_names(context.region)[0]
            if host == name or host.endswith(f".{name}"):
                return EndpointPolicy(endpoint.id, endpoint.policy_document)
    return None


def _layers(task: Task, image: str, context: Context) -> Finding | None:
    """Where the policy of S3's endpoint keeps image layers back."""
    endpoint = _endpoint(task, f"https://s3.{context.region}.amazonaws.com/", context)
    if endpoint is None or not parse_image_reference(image).ecr_region:
        return None
    allows = passes(endpoint.document, LAYERS_ACTION, layers_resource(context.region), context)
    return None if allows else layers_finding(endpoint, context.region)
