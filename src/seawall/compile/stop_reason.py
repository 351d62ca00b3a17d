"""Why a task never ran, in AWS's words, followed by the cause in plain ones.

Clients match on the first token (`CannotPullContainerError`, `ResourceInitializationError`), people read the
rest.  Sources: "Stopped task error codes" and "Troubleshooting the ResourceInitializationError" of the ECS
developer guide, and reasons seen on Fargate 1.4.0.
"""

from collections.abc import Callable
from urllib.parse import urlsplit

from seawall.model.image_reference import parse_image_reference
from seawall.program.report import Failure, FailureStep

_GO_WORDS = {
    "timeout": "i/o timeout",
    "refused": "connect: connection refused",
    "unreachable": "connect: no route to host",
    "tls": "tls: failed to verify certificate",
}
NETWORK_CAUSES = frozenset({"timeout", "unreachable", "dns"})
UNANSWERED = NETWORK_CAUSES.union(_GO_WORDS)  # causes of a request without an answer
LIMIT = 1024  # characters in a container's reason
_NO_CREDENTIALS = "unable to pull secrets or registry auth:"
_RETRIEVAL = "execution resource retrieval failed: unable to"


def stopped_reason(failure: Failure, image: str, missing_path: str | None) -> str:
    """The stoppedReason of a task whose container failed before it ran.

    image         the reference as the task definition gives it; it is named in full, as containerd does
    missing_path  why the interface cannot reach what it asked for, in plain words, if the model knows
    """
    text = _REASONS[failure.step](failure, str(parse_image_reference(image)))
    if missing_path and failure.cause in NETWORK_CAUSES:
        text = f"{text} [Seawall: {missing_path}]"
    return text[:LIMIT]


def _registry_auth(failure: Failure, image: str) -> str:
    head = f"ResourceInitializationError: {_NO_CREDENTIALS}"
    if "secretsmanager" in (failure.url or ""):
        return f"{head} {_RETRIEVAL} get registry auth from asm: {_retried(failure)}"
    if failure.cause in UNANSWERED:
        return (
            f"{head} The task cannot pull registry auth from Amazon ECR: There is a connection issue between"
            " the task and Amazon ECR. Check your task network configuration. RequestError: send request"
            f" failed caused by: Post {_asked(failure)}"
        )
    return f"{head} {_RETRIEVAL} retrieve ecr registry auth: {_retried(failure)}"


def _secrets(failure: Failure, image: str) -> str:
    of_ssm = (urlsplit(failure.url or "").hostname or "").startswith("ssm.")
    what = "retrieve secrets from ssm" if of_ssm else "retrieve secret from asm"
    if failure.cause in UNANSWERED:
        service = "AWS Systems Manager Parameter Store" if of_ssm else "AWS Secrets Manager"
        return (
            f"ResourceInitializationError: {_NO_CREDENTIALS} unable to {what}: There is a connection issue"
            f" between the task and {service}. Check your task network configuration. {failure.text}"
        )
    return f"ResourceInitializationError: {_NO_CREDENTIALS} {_RETRIEVAL} {what}: {_retried(failure)}"


def _environment_files(failure: Failure, image: str) -> str:
    return f"ResourceInitializationError: failed to download env files: {failure.text}"


def _pull(failure: Failure, image: str) -> str:
    retried = f"has been retried {failure.attempts} time(s):"
    if _is_of_layers(failure):
        text = failure.text
        if failure.cause in UNANSWERED:
            text = f"failed to copy: httpReadSeeker: failed open: failed to do request: Get {_asked(failure)}"
        return f"CannotPullContainerError: ref pull {retried} {text}"
    head = f"CannotPullContainerError: pull image manifest {retried}"
    if failure.text.startswith("image Manifest does not contain"):
        return f"{head} {failure.text}"
    head += f" failed to resolve ref {image}:"
    if failure.cause in UNANSWERED:
        return f"{head} failed to do request: Head {_asked(failure)}"
    if failure.cause == "not_found":
        return f"{head} {image}: not found"
    return f"{head} {failure.text}"


def _is_of_layers(failure: Failure) -> bool:
    """The manifest was there."""
    if failure.text.startswith(("failed to copy:", "failed to extract layer")):
        return True
    asked = urlsplit(failure.url or "")
    return "/blobs/" in asked.path or "-starport-layer-bucket." in (asked.hostname or "")


def _logs(failure: Failure, image: str) -> str:
    head = "ResourceInitializationError: failed to validate logger args:"
    if failure.cause in UNANSWERED:
        return (
            f"{head} The task cannot find the Amazon CloudWatch log group defined in the task definition."
            " There is a connection issue between the task and Amazon CloudWatch. Check your network"
            f" configuration. : Post {_asked(failure)}"
        )
    return (
        f"{head} create stream has been retried {failure.attempts} times: failed to create Cloudwatch log"
        f" stream: {failure.text} : exit status 1"
    )


def _volumes(failure: Failure, image: str) -> str:
    return f"CannotCreateVolumeError: {failure.text}"


def _start(failure: Failure, image: str) -> str:
    return f"CannotStartContainerError: ResourceInitializationError: {failure.text}"


def _dependency(failure: Failure, image: str) -> str:
    return f"CannotStartContainerError: {failure.text}"


_REASONS: dict[FailureStep, Callable[[Failure, str], str]] = {
    "registry_auth": _registry_auth,
    "secrets": _secrets,
    "environment_files": _environment_files,
    "pull": _pull,
    "logs": _logs,
    "volumes": _volumes,
    "dependency": _dependency,
    "create": _start,
    "start": _start,
}


def _retried(failure: Failure) -> str:
    return f"service call has been retried {failure.attempts} time(s): {failure.text}"


def _asked(failure: Failure) -> str:
    """As Go's net package words a request that got no answer."""
    url = failure.url or ""
    if failure.cause == "dns":
        return f'"{url}": dial tcp: lookup {urlsplit(url).hostname}: no such host'
    words = _GO_WORDS.get(failure.cause, failure.text)
    address = failure.address or f"{urlsplit(url).hostname}:443"
    return f'"{url}": dial tcp {address}: {words}'
