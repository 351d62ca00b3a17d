"""Volumes: their names, and the containers' mount points.  Texts are AWS's where they are known.

Sources: Volume, MountPoint and VolumeFrom of the service model; texts as seen from RegisterTaskDefinition.
"""

from collections.abc import Sequence

from seawall.api.ecs.names import NAME, client_exception
from seawall.model.task_definition import ContainerDefinition, Volume


def check_volumes(volumes: Sequence[Volume], containers: Sequence[ContainerDefinition]) -> None:
    """Raises ApiError ClientException."""
    names = [volume.name for volume in volumes]
    for name in names:
        if not NAME.fullmatch(name):
            raise client_exception("Volume name contains invalid characters.")
    if len(set(names)) < len(names):
        raise client_exception("Volume names must be unique within a task definition.")
    for container in containers:
        _check_mount_points(container, names)
        for source in container.volumes_from:
            if source.source_container not in {c.name for c in containers}:
                raise client_exception(
                    f"Invalid 'volumesFrom' setting. Unknown container: '{source.source_container}'"
                )
            if source.source_container == container.name:
                raise client_exception(
                    f"Invalid 'volumesFrom' setting. Container '{container.name}' names itself."
                )


def _check_mount_points(container: ContainerDefinition, volumes: Sequence[str]) -> None:
    for mount in container.mount_points:
        if mount.source_volume not in volumes:
            raise client_exception(f"Unknown volume '{mount.source_volume}'.")
        if not (mount.container_path or "").startswith("/"):
            raise client_exception(
                f"Invalid 'containerPath' setting for container '{container.name}'. It must be an absolute"
                " path."
            )
    paths = [mount.container_path for mount in container.mount_points]
    if len(set(paths)) < len(paths):
        raise client_exception(f"Container paths of container '{container.name}' must be unique.")
