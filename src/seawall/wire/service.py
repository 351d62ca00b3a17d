"""AWS services as botocore's models describe them."""

from functools import cache, cached_property
from typing import Any

from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel


class Service:
    """One service model.  `name` is botocore's service name, e.g. "ec2"."""

    def __init__(self, name: str, model: ServiceModel) -> None:
        self.name = name
        self.model = model
        metadata: dict[str, Any] = model.metadata
        self.api_version: str = metadata["apiVersion"]
        self.protocol: str = metadata["protocol"]
        self.protocols: tuple[str, ...] = tuple(metadata.get("protocols", [self.protocol]))
        self.target_prefix: str | None = metadata.get("targetPrefix")
        self.json_version: str = metadata.get("jsonVersion", "1.0")
        self.xml_namespace: str = metadata.get("xmlNamespace", "")
        self.signing_name: str = model.signing_name
        self.is_global: bool = "globalEndpoint" in metadata
        self.endpoint_prefix: str = model.endpoint_prefix
        self._operations: dict[str, OperationModel] = {}

    @cached_property
    def operation_names(self) -> frozenset[str]:
        return frozenset(self.model.operation_names)

    def operation(self, name: str) -> OperationModel:
        """The model of an operation.  Raises KeyError when the service has none of that name."""
        if name not in self.operation_names:
            raise KeyError(name)
        known = self._operations.get(name)
        if known is None:
            known = self._operations[name] = self.model.operation_model(name)
        return known

    def error_shape(self, code: str) -> Any | None:
        """The modelled exception with this error code, or None."""
        return self.model.shape_for_error_code(code)  # type: ignore[arg-type]  # botocore-stubs say otherwise


def load_service(name: str) -> Service | None:
    """The service of that botocore name, or None when botocore knows none.  Read once per process."""
    return _load(name) if name in _known_names() else None


@cache
def _known_names() -> frozenset[str]:
    """Asked before anything is read or remembered: names come from requests that nobody has verified."""
    return frozenset(_loader().list_available_services("service-2"))


@cache
def _load(name: str) -> Service:
    return Service(name, ServiceModel(_loader().load_service_model(name, "service-2"), service_name=name))


@cache
def _loader() -> Loader:
    return Loader(include_default_search_paths=False, extra_search_paths=[Loader.BUILTIN_DATA_PATH])
