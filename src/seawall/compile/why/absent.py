"""Things that a launch asked for by name and that are not there: secrets, parameters, images, log groups."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from seawall.model.finding import Finding

_SUFFIX = re.compile(r"-[A-Za-z0-9]{6}$")


class SecretFacts(NamedTuple):
    """What the secret is: there, marked for deletion, or gone.  `arn` is that of the one of this name."""

    there: bool
    deleting: bool = False
    arn: str = ""


def absent_secret(asked: str, facts: SecretFacts, text: str) -> Finding:
    """`asked` is the ARN or name that the definition gives, `text` the service's answer."""
    missing = {"secret": asked}
    name = asked.rpartition(":secret:")[2]
    if facts.deleting:
        return Finding(
            category="secret",
            cause=f"secret {name} is marked for deletion",
            missing=missing,
            commands=(f"aws secretsmanager restore-secret --secret-id {facts.arn or asked}",),
        )
    if facts.there:
        return Finding(
            category="secret",
            cause=f"secret {name} is there, but not the version that is asked for: {text}",
            missing=missing,
            advice="Correct version-stage or version-id in valueFrom, or put a value in that stage.",
        )
    if facts.arn:
        return Finding(
            category="secret",
            cause=f"there is no secret {name}; the one of that name is {facts.arn}",
            missing=missing,
            advice="Register a revision whose valueFrom names that ARN.",
        )
    bare = _SUFFIX.sub("", name) if ":secret:" in asked else name
    advice = ""
    if bare != name:
        advice = "A new secret gets another suffix: register a revision whose valueFrom names its ARN."
    return Finding(
        category="secret",
        cause=f"there is no secret {name}",
        missing=missing,
        commands=(f"aws secretsmanager create-secret --name {bare} --secret-string '<VALUE>'",),
        advice=advice,
    )


def absent_json_key(key: str, asked: str) -> Finding:
    return Finding(
        category="secret",
        cause=f"the value of the secret has no member {key!r}",
        missing={"secret": asked, "json_key": key},
        commands=(
            f"aws secretsmanager put-secret-value --secret-id {asked} --secret-string"
            f' \'{{"{key}": "<VALUE>"}}\'',
        ),
        advice="Keep the members that are there already.",
    )


def absent_parameters(names: Sequence[str]) -> Finding:
    return Finding(
        category="secret",
        cause=f"there is no parameter {', '.join(names)}",
        missing={"parameter": ", ".join(names)},
        commands=tuple(
            f"aws ssm put-parameter --type SecureString --name {_parameter_name(name)} --value '<VALUE>'"
            for name in names
        ),
    )


def _parameter_name(name: str) -> str:
    """A hierarchical name begins with a slash, which its ARN has only once."""
    _, is_arn, path = name.partition(":parameter/")
    if not is_arn:
        return name
    return f"/{path}" if "/" in path else path


class ImageFacts(NamedTuple):
    """What ECR has of the image's repository.

    tags   of images in the repository, the newest last
    """

    repository: str  # "" where the registry is not Seawall's
    there: bool = False
    tags: Sequence[str] = ()


def absent_platform(reference: str, wanted: str) -> Finding:
    """The image is there, for other machines.  `wanted` is X86_64 or ARM64."""
    other = "ARM64" if wanted == "X86_64" else "X86_64"
    docker = {"X86_64": "linux/amd64", "ARM64": "linux/arm64"}[wanted]
    return Finding(
        category="image",
        cause=f"image {reference} is not made for {docker}, which the task wants",
        missing={"image": reference, "platform": docker},
        commands=(f"docker buildx build --platform {docker} --tag {reference} --push .",),
        advice=f"Or register a revision whose runtimePlatform has cpuArchitecture {other}, if it has that.",
    )


def absent_image(reference: str, facts: ImageFacts) -> Finding:
    missing = {"image": reference}
    push = f"docker push {reference}"
    if not facts.repository:
        return Finding(
            category="image",
            cause=f"the registry has no image {reference}",
            missing=missing,
            advice="Correct the name or tag in a new revision, or push that image.",
        )
    if not facts.there:
        return Finding(
            category="image",
            cause=f"there is no repository {facts.repository}",
            missing={**missing, "repository": facts.repository},
            commands=(f"aws ecr create-repository --repository-name {facts.repository}", push),
        )
    name, _, tag = reference.rpartition(":")
    if not facts.tags or "@" in name:
        return Finding(
            category="image",
            cause=f"repository {facts.repository} holds no such image",
            missing=missing,
            commands=(push,) if "@" not in name else (),
            advice="" if "@" not in name else "An image is its digest: push it, or name another one.",
        )
    latest = facts.tags[-1]
    one = f"--repository-name {facts.repository}"
    manifest = (
        f"aws ecr batch-get-image {one} --image-ids imageTag={latest}"
        " --query 'images[0].imageManifest' --output text"
    )
    return Finding(
        category="image",
        cause=f"repository {facts.repository} has no tag {tag}; it has {', '.join(facts.tags)}",
        missing={**missing, "tag": tag},
        commands=(f'aws ecr put-image {one} --image-tag {tag} --image-manifest "$({manifest})"',),
        advice=f"This gives the image tagged {latest} the tag {tag}; or push another one: {push}",
    )


def absent_log_group(group: str) -> Finding:
    return Finding(
        category="logs",
        cause=f"there is no log group {group}",
        missing={"log_group": group},
        commands=(f"aws logs create-log-group --log-group-name {group}",),
        advice="Or let awslogs-create-group make it (the execution role needs logs:CreateLogGroup).",
    )


def absent_object(url: str) -> Finding:
    return Finding(
        category="secret",
        cause=f"there is no object {url}",
        missing={"object": url},
        advice="Put the file of variables there (aws s3 cp), or name another one in a new revision.",
    )


def refused_login(reference: str, password_from: str | None, text: str) -> Finding:
    """A registry that did not take the credentials, or wanted some."""
    registry = reference.partition("/")[0]
    if password_from is None:
        return Finding(
            category="registry",
            cause=f"{registry} wants a login for {reference}, and the definition names none: {text}",
            missing={"registry": registry},
            advice='Keep {"username": .., "password": ..} in a secret and name it in'
            " repositoryCredentials.credentialsParameter of a new revision; or correct the image's name.",
        )
    return Finding(
        category="registry",
        cause=f"{registry} refused the user name and password of {password_from}: {text}",
        missing={"registry": registry, "secret": password_from},
        commands=(
            f"aws secretsmanager put-secret-value --secret-id {password_from} --secret-string"
            ' \'{"username": "<USER>", "password": "<PASSWORD>"}\'',
        ),
    )
