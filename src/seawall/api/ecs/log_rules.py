"""Log configurations: what the awslogs driver takes, and what Fargate asks for besides.

Source: "Using the awslogs log driver" of the ECS developer guide.
"""

from collections.abc import Sequence

from seawall.api.ecs.names import client_exception
from seawall.model.byte_size import size_in_bytes
from seawall.model.task_definition import ContainerDefinition
from seawall.wire.errors import NotImplementedHere

FARGATE_DRIVERS = ("awslogs", "splunk", "awsfirelens")
REQUIRED = ("awslogs-group", "awslogs-region")
FIRELENS_OPTIONS: dict[str, tuple[str, ...]] = {
    "enable-ecs-log-metadata": ("true", "false"),
    "config-file-type": ("s3", "file"),
    "config-file-value": (),
}
ALLOWED = frozenset(
    {
        *REQUIRED,
        "awslogs-stream-prefix",
        "awslogs-create-group",
        "awslogs-datetime-format",
        "awslogs-multiline-pattern",
        "mode",
        "max-buffer-size",
    }
)


def check_log_options(container: ContainerDefinition) -> None:
    """The awslogs driver's options.  Raises ApiError ClientException."""
    configuration = container.log_configuration
    if configuration is None or configuration.log_driver != "awslogs":
        return
    options = configuration.options or {}
    missing = [name for name in REQUIRED if not options.get(name)]
    if missing:
        raise client_exception(f"Log driver awslogs requires options: {', '.join(missing)}")
    unknown = sorted(set(options) - ALLOWED)
    if unknown:
        raise client_exception(f"Log driver awslogs disallows options: {', '.join(unknown)}")
    if options.get("awslogs-create-group", "true") != "true":
        raise client_exception(
            "Log driver awslogs option 'awslogs-create-group' should only be set to 'true', else omit option."
        )
    if options.get("mode", "blocking") not in ("blocking", "non-blocking"):
        raise client_exception("Log driver awslogs option 'mode' should be one of [blocking, non-blocking].")
    if "awslogs-datetime-format" in options and "awslogs-multiline-pattern" in options:
        raise client_exception(
            "Log driver awslogs does not take awslogs-datetime-format and awslogs-multiline-pattern together."
        )
    _check_buffer(options.get("max-buffer-size"))


def check_fargate_logs(container: ContainerDefinition, execution_role_arn: str | None) -> None:
    """What Fargate wants of a log configuration.  Raises ApiError."""
    configuration = container.log_configuration
    if configuration is None:
        return
    driver = configuration.log_driver
    if driver not in FARGATE_DRIVERS:
        raise client_exception(
            f"{driver} is not a valid log driver. Must be one of [{', '.join(FARGATE_DRIVERS)}]"
        )
    if driver == "splunk":
        raise NotImplementedHere("RegisterTaskDefinition: Seawall does not serve the log driver splunk.")
    if driver == "awsfirelens":
        return
    if configuration.secret_options:
        raise NotImplementedHere(
            "RegisterTaskDefinition: the log driver awslogs has no option that could be a secret"
            " (logConfiguration.secretOptions)."
        )
    if execution_role_arn is None:
        raise client_exception(
            "Fargate requires task definition to have execution role ARN to support log driver awslogs."
        )
    if not (configuration.options or {}).get("awslogs-stream-prefix"):
        raise client_exception(
            "Fargate requires log configuration options to include awslogs-stream-prefix to support log"
            " driver awslogs."
        )


def check_firelens(containers: Sequence[ContainerDefinition]) -> None:
    """The log router and those who log to it.  Raises ApiError ClientException.

    Source: "Creating a task definition that uses a FireLens configuration"; only the first text is AWS's.
    """
    routers = [c for c in containers if c.firelens_configuration is not None]
    users = [c for c in containers if c.log_configuration and c.log_configuration.log_driver == "awsfirelens"]
    if users and not routers:
        raise client_exception(
            "When awsfirelens log driver is specified in log configuration, a firelens configuration object"
            " must be specified."
        )
    if len(routers) > 1:
        raise client_exception("Only one container of a task definition can have a firelens configuration.")
    for router in routers:
        if router in users:
            raise client_exception(f"The firelens container '{router.name}' cannot log to itself.")
        options = (router.firelens_configuration and router.firelens_configuration.options) or {}
        for name, choices in FIRELENS_OPTIONS.items():
            if name in options and choices and options[name] not in choices:
                raise client_exception(f"firelens option '{name}' should be one of [{','.join(choices)}]")
        unknown = sorted(set(options) - set(FIRELENS_OPTIONS))
        if unknown:
            raise client_exception(f"firelens disallows options: {', '.join(unknown)}")
        if ("config-file-type" in options) != ("config-file-value" in options):
            raise client_exception("firelens takes config-file-type and config-file-value together only.")


def refuse_firelens_from_s3(containers: Sequence[ContainerDefinition]) -> None:
    """Tasks on Fargate take a router's configuration from a file of its image only.  Raises ApiError."""
    for container in containers:
        router = container.firelens_configuration
        if router and (router.options or {}).get("config-file-type") == "s3":
            raise client_exception(
                "Tasks using the Fargate launch type support the firelens config-file-type file only."
            )


def _check_buffer(size: str | None) -> None:
    if size is None:
        return
    try:
        size_in_bytes(size)
    except ValueError:
        raise client_exception(f"Log driver awslogs option 'max-buffer-size' is not a size: {size}") from None
