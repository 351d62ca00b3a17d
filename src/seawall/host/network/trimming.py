"""Two programs without what is the very same in both: what leads from one to the other is as it was."""

from collections.abc import Collection, Iterable, Mapping

from msgspec.structs import replace

from seawall.program.network import Link, Namespace, NetworkProgram, Route
from seawall.program.shelves import Series, differing

Devices = dict[str, set[str]]  # by namespace


def trimmed(old: NetworkProgram, new: NetworkProgram) -> tuple[NetworkProgram, NetworkProgram]:
    """Both with the namespaces and links that are others there, and what those cannot do without."""
    gone, come = differing(old.links, new.links)
    leaving, coming = _ends(gone), _ends(come)
    before, after = ({n.name: n for n in some} for some in differing(old.namespaces, new.namespaces))
    bystanders = (leaving.keys() | coming.keys()) - before.keys() - after.keys()
    if bystanders:
        those = {n.name: n for n in new.namespaces if n.name in bystanders}
        before, after = before | those, after | those
    was, shall = dict(before), dict(after)
    trodden: Devices = {}  # that changed routes lead through, and are the same
    for name in before.keys() & after.keys():
        renewed = leaving.get(name, set()) & coming.get(name, set())
        was[name], shall[name] = _trimmed(before[name], after[name], renewed)
        ways = {route.device for route in (*was[name].routes, *shall[name].routes) if route.device}
        if ways := ways - leaving.get(name, set()) - coming.get(name, set()):
            trodden[name] = ways
    same = _links_with(new.links, trodden) if trodden else ()
    return (
        NetworkProgram(namespaces=tuple(was.values()), links=(*gone, *same)),
        NetworkProgram(namespaces=tuple(shall.values()), links=(*come, *same)),
    )


def _trimmed(old: Namespace, new: Namespace, renewed: Collection[str]) -> tuple[Namespace, Namespace]:
    """`renewed` devices take all their routes with them before they come again."""
    before, after = _routes(old.routes, new.routes, renewed)
    if old.policy is new.policy:
        return replace(old, routes=before, policy=None), replace(new, routes=after, policy=None)
    return replace(old, routes=before), replace(new, routes=after)


def _routes(
    old: Series[Route], new: Series[Route], renewed: Collection[str]
) -> tuple[tuple[Route, ...], tuple[Route, ...]]:
    """A route that goes may be there twice, or another one to the same destination stand."""
    gone, come = differing(old, new)
    if not gone and not renewed:
        return (), tuple(come)
    led_to = {route.destination for route in (*gone, *come)}

    def chosen(routes: Iterable[Route]) -> tuple[Route, ...]:
        return tuple(r for r in routes if r.destination in led_to or r.device in renewed)

    return chosen(old), chosen(new)


def _ends(links: Iterable[Link]) -> Devices:
    found: Devices = {}
    for link in links:
        for end in (link.router, link.host):
            found.setdefault(end.namespace, set()).add(end.name)
    return found


def _links_with(links: Iterable[Link], devices: Mapping[str, Collection[str]]) -> tuple[Link, ...]:
    """The links that have an end among these."""
    return tuple(
        link
        for link in links
        if any(end.name in devices.get(end.namespace, ()) for end in (link.router, link.host))
    )
