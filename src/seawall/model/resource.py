"""The shape every stored resource shares, and the registry of kinds.

A kind registers itself where it is defined; `load_kinds` imports every module of this package so that
no central list has to be edited to add one.
"""

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NamedTuple, TypeVar

import msgspec


class Ref(NamedTuple):
    """A pointer to another resource: (kind, id).  Stored beside the document and indexed both ways."""

    kind: str
    id: str


class Resource(msgspec.Struct, frozen=True, kw_only=True):
    """A document in the store, identified by (KIND, id).

    `refs` names the resources this one hangs on; the store indexes them, so that "who uses this subnet"
    is one look-up and a change of one reaches the loops of the other.
    """

    KIND: ClassVar[str] = ""

    id: str

    def refs(self) -> tuple[Ref, ...]:
        return ()

    def edition(self) -> int | None:
        """A number that grows with each change the store's history shall keep; None: it keeps none."""
        return None

    @property
    def ref(self) -> Ref:
        return Ref(self.KIND, self.id)


R = TypeVar("R", bound=Resource)
_kinds: dict[str, type[Resource]] = {}


def kind(name: str) -> Callable[[type[R]], type[R]]:
    """Register a resource type under its kind.  Raises ValueError when two types claim one name."""

    def register(cls: type[R]) -> type[R]:
        if name in _kinds:
            raise ValueError(f"kind {name!r} is claimed by {_kinds[name].__name__} and {cls.__name__}")
        cls.KIND = name
        _kinds[name] = cls
        return cls

    return register


def load_kinds() -> Mapping[str, type[Resource]]:
    """Import every module of this package and return all kinds by name."""
    import seawall.model as package

    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        importlib.import_module(module.name)
    return _kinds


Tags = dict[str, str]
Document = dict[str, Any]
