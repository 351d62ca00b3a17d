"""Which namespaces are about to lose counters, so that they are read before a new program takes them away."""

from collections.abc import Iterator

from seawall.program.network import ElementSet, Namespace, NetworkProgram
from seawall.program.shelves import differing


def losing_counters(old: NetworkProgram, new: NetworkProgram) -> Iterator[str]:
    """Names of namespaces with a counted element that is in the old program only.

    Costs little where the namespaces and sets of both are the same objects.
    """
    gone, come = differing(old.namespaces, new.namespaces)
    after = {namespace.name: namespace for namespace in come}
    for namespace in gone:
        heir = after.get(namespace.name)
        if heir is not None and heir is not namespace and _loses(namespace, heir):
            yield namespace.name


def _loses(old: Namespace, new: Namespace) -> bool:
    if old.policy is None or new.policy is None or old.policy is new.policy:
        return False
    after = {contents.name: contents for contents in new.policy.sets}
    return old.policy.skeleton != new.policy.skeleton or any(
        contents.counted
        and contents is not after.get(contents.name)
        and _keys(contents) - _keys(after.get(contents.name))
        for contents in old.policy.sets
    )


def _keys(contents: ElementSet | None) -> set[str]:
    return {element.key for element in contents.elements} if contents is not None else set()
