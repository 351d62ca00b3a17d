"""Each step's failure in the words of Fargate 1.4.0."""

import pytest

from seawall.compile.stop_reason import LIMIT, stopped_reason
from seawall.program.report import Failure

IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/web:1"
HEAD = "ResourceInitializationError: unable to pull secrets or registry auth: "
ECR, ASM, SSM = (f"https://{host}.us-east-1.amazonaws.com/" for host in ("api.ecr", "secretsmanager", "ssm"))
PULL = (
    "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref"
    f" {IMAGE}: "
)
START = "CannotStartContainerError: ResourceInitializationError: "
LAYER = "https://prod-us-east-1-starport-layer-bucket.s3.us-east-1.amazonaws.com/x"
LAYERS = "CannotPullContainerError: ref pull has been retried 1 time(s): failed to copy: httpReadSeeker: "
CALL = "service call has been retried 1 time(s): "
RETRIEVAL = f"{HEAD}execution resource retrieval failed: unable to "


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (
            Failure(step="registry_auth", cause="timeout", text="", url=ECR, address="198.19.0.10:443"),
            f"{HEAD}The task cannot pull registry auth from Amazon ECR: There is a connection issue between"
            " the task and Amazon ECR. Check your task network configuration. RequestError: send request"
            f' failed caused by: Post "{ECR}": dial tcp 198.19.0.10:443: i/o timeout',
        ),
        (
            Failure(step="registry_auth", cause="denied", text="AccessDeniedException: no", url=ECR),
            f"{RETRIEVAL}retrieve ecr registry auth: {CALL}AccessDeniedException: no",
        ),
        (
            Failure(step="registry_auth", cause="not_found", text="asm fetching secret: X", url=ASM),
            f"{RETRIEVAL}get registry auth from asm: {CALL}asm fetching secret: X",
        ),
        (
            Failure(step="secrets", cause="not_found", text="failed to fetch secret S", url=ASM),
            f"{RETRIEVAL}retrieve secret from asm: {CALL}failed to fetch secret S",
        ),
        (
            Failure(step="secrets", cause="not_found", text="invalid ssm parameters: p", url=SSM),
            f"{RETRIEVAL}retrieve secrets from ssm: {CALL}invalid ssm parameters: p",
        ),
        (
            Failure(step="secrets", cause="timeout", text="failed to fetch secret S", url=ASM),
            f"{HEAD}unable to retrieve secret from asm: There is a connection issue between the task and AWS"
            " Secrets Manager. Check your task network configuration. failed to fetch secret S",
        ),
        (
            Failure(step="environment_files", cause="denied", text="file download command: X"),
            "ResourceInitializationError: failed to download env files: file download command: X",
        ),
        (
            Failure(step="pull", cause="timeout", text="", url="https://r/v2/", address="10.0.0.9:443"),
            f'{PULL}failed to do request: Head "https://r/v2/": dial tcp 10.0.0.9:443: i/o timeout',
        ),
        (
            Failure(step="pull", cause="dns", text="", url="https://r.example/v2/"),
            f'{PULL}failed to do request: Head "https://r.example/v2/": dial tcp: lookup r.example: no such'
            " host",
        ),
        (Failure(step="pull", cause="not_found", text="x"), f"{PULL}{IMAGE}: not found"),
        (
            Failure(
                step="pull", cause="denied", text="unexpected status from HEAD request to u: 403 Forbidden"
            ),
            f"{PULL}unexpected status from HEAD request to u: 403 Forbidden",
        ),
        (
            Failure(step="logs", cause="not_found", text="ResourceNotFoundException: no group."),
            "ResourceInitializationError: failed to validate logger args: create stream has been retried 1"
            " times: failed to create Cloudwatch log stream: ResourceNotFoundException: no group. : exit"
            " status 1",
        ),
        (
            Failure(step="pull", cause="other", text="image Manifest does not contain X"),
            "CannotPullContainerError: pull image manifest has been retried 1 time(s): image Manifest does"
            " not contain X",
        ),
        (Failure(step="pull", cause="denied", text="failed to copy: httpReadSeeker: 403"), f"{LAYERS}403"),
        (
            Failure(step="pull", cause="timeout", text="", url=LAYER, address="52.216.0.1:443"),
            f'{LAYERS}failed open: failed to do request: Get "{LAYER}": dial tcp 52.216.0.1:443: i/o timeout',
        ),
        (Failure(step="volumes", cause="other", text="full"), "CannotCreateVolumeError: full"),
        (Failure(step="create", cause="other", text="x"), f"{START}x"),
        (Failure(step="start", cause="other", text="x"), f"{START}x"),
        (Failure(step="dependency", cause="other", text="dep"), "CannotStartContainerError: dep"),
    ],
)
def test_each_step_has_its_words(failure: Failure, reason: str) -> None:
    assert stopped_reason(failure, IMAGE, None) == reason


def test_the_plain_cause_follows_only_where_the_network_is_at_fault() -> None:
    lost = Failure(step="pull", cause="timeout", text="", url="https://r/", address="1.2.3.4:443")
    assert stopped_reason(lost, IMAGE, "no way").endswith(" [Seawall: no way]")
    refused = Failure(step="pull", cause="not_found", text="")
    assert "Seawall" not in stopped_reason(refused, IMAGE, "no way")


def test_a_reason_is_never_too_long() -> None:
    assert len(stopped_reason(Failure(step="start", cause="other", text="x" * 5000), IMAGE, None)) == LIMIT


def test_an_image_is_named_in_full() -> None:
    gone = Failure(step="pull", cause="not_found", text="")
    assert stopped_reason(gone, "nginx", None).endswith(
        "failed to resolve ref docker.io/library/nginx:latest: docker.io/library/nginx:latest: not found"
    )
