"""Why a task never ran, in AWS's words, followed by the cause in plain ones.

Clients match on the first token (`CannotPullContainerError`, `ResourceInitializationError`), people read the
rest.  Sources: "Stopped task error codes" of the ECS developer guide and reasons seen on Fargate 1.4.0.
"""

from urllib.parse import urlsplit

from seawall.program.report import Failure

_GO_WORDS = {
    "timeout": "i/o timeout",
    "refused": "connect: connection refused",
    "unreachable": "connect: no route to host",
    "tls": "tls: failed to verify certificate",
}
NETWORK_CAUSES = frozenset({"timeout", "unreachable", "dns"})
LIMIT = 1024  # characters in a container's reason


def stopped_reason(failure: Failure, image: str, missing_path: str | None) -> str:
    """The stoppedReason of a task whose container failed before it ran.

    image         the reference as the task definition gives it
    missing_path  why the interface cannot reach what it asked for, in plain words, if the model knows
    """
    text = _REASONS[failure.step](failure, image)
    if missing_path and failure.cause in NETWORK_CAUSES:
        text = f"{text} [Seawall: {missing_path}]"
    return text[:LIMIT]


def _registry_auth(failure: Failure, image: str) -> str:
    head = "ResourceInitializationError: unable to pull secrets or registry auth:"
    if failure.cause in NETWORK_CAUSES or failure.cause in _GO_WORDS:
        return (
            f"{head} The task cannot pull registry auth from Amazon ECR: There is a connection issue between"
            " the task and Amazon ECR. Check your task network configuration. RequestError: send request"
            f" failed caused by: Post {_asked(failure)}"
        )
    return (
        f"{head} execution resource retrieval failed: unable to retrieve ecr registry auth: service call has"
        f" been retried {failure.attempts} time(s): {failure.text}"
    )


def _pull(failure: Failure, image: str) -> str:
    head = (
        f"CannotPullContainerError: pull image manifest has been retried {failure.attempts} time(s):"
        f" failed to resolve ref {image}:"
    )
    if failure.cause in NETWORK_CAUSES or failure.cause in _GO_WORDS:
        return f"{head} failed to do request: Head {_asked(failure)}"
    if failure.cause == "not_found":
        return f"{head} {image}: not found"
    if failure.cause == "denied":
        return (
            f"{head} pull access denied, repository does not exist or may require authorization:"
            " server message: insufficient_scope: authorization failed"
        )
    return f"{head} {failure.text}"


def _logs(failure: Failure, image: str) -> str:
    head = "ResourceInitializationError: failed to validate logger args:"
    if failure.cause in NETWORK_CAUSES or failure.cause in _GO_WORDS:
        return (
            f"{head} The task cannot find the Amazon CloudWatch log group defined in the task definition."
            " There is a connection issue between the task and Amazon CloudWatch. Check your network"
            f" configuration. : Post {_asked(failure)}"
        )
    return (
        f"{head} create stream has been retried {failure.attempts} times: failed to create Cloudwatch log"
        f" stream: {failure.text} : exit status 1"
    )


def _create(failure: Failure, image: str) -> str:
    return f"CannotCreateContainerError: {failure.text}"


def _start(failure: Failure, image: str) -> str:
    return f"CannotStartContainerError: {failure.text}"


_REASONS = {
    "registry_auth": _registry_auth,
    "pull": _pull,
    "logs": _logs,
    "create": _create,
    "start": _start,
}


def _asked(failure: Failure) -> str:
    """As Go's net package words a request that got no answer."""
    url = failure.url or ""
    if failure.cause == "dns":
        return f'"{url}": dial tcp: lookup {urlsplit(url).hostname}: no such host'
    words = _GO_WORDS.get(failure.cause, failure.text)
    address = failure.address or f"{urlsplit(url).hostname}:443"
    return f'"{url}": dial tcp {address}: {words}'
