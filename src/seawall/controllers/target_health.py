"""Targets' health: what the nodes report becomes the targets' state, written only where it changes."""

from collections.abc import Iterable, Sequence

from seawall.compile.balancer.text import pool_name
from seawall.compile.target_health import Words, judged_target
from seawall.controllers.loop import After, Context, Done, Reconciler, reconciler
from seawall.model.listener import Listener, ListenerRule
from seawall.model.load_balancer import LoadBalancer
from seawall.model.resource import Ref
from seawall.model.target_group import Target, TargetGroup, target_id
from seawall.program.report import TargetReport


def reconcile(group_id: str, context: Context) -> Done | After:
    group = context.store.find(TargetGroup, group_id)
    targets = [] if group is None else context.store.referrers(Target, group.ref)
    if group is None or not targets:
        return Done()
    users, words = _users(group, context), _words(group, targets, context)
    judged = [(target, judged_target(target, users, words[target.id])) for target in targets]
    changed = [after for before, after in judged if after != before]
    if changed:
        with context.store.write() as txn:
            for target in changed:
                txn.put(target)
    return Done()


def _users(group: TargetGroup, context: Context) -> list[LoadBalancer]:
    """The load balancers with a listener, or a rule of one, that forwards to the group."""
    store = context.store
    listeners = {listener.id for listener in store.referrers(Listener, group.ref)}
    listeners |= {rule.listener_id for rule in store.referrers(ListenerRule, group.ref)}
    found = (store.find(Listener, id) for id in listeners)
    ids = sorted({listener.load_balancer_id for listener in found if listener is not None})
    balancers = (store.find(LoadBalancer, id) for id in ids)
    return [balancer for balancer in balancers if balancer is not None]


def _words(group: TargetGroup, targets: Sequence[Target], context: Context) -> dict[str, Words]:
    """What each node that shall use a target says of it, by target."""
    name = pool_name(group.id)
    found: dict[str, dict[str, list[TargetReport | None]]] = {target.id: {} for target in targets}
    for program in context.host.sent.balancers if context.host.sent else ():
        report = context.host.balancers.get(program.id)
        said = {t.target: t for t in report.targets if t.pool == name} if report else {}
        for pool in program.pools:
            for known in pool.targets if pool.name == name else ():
                owner = (
                    targets[0].id
                    if group.target_type == "alb"
                    else target_id(group.id, known.address, known.port)
                )
                if owner in found:
                    found[owner].setdefault(program.id, []).append(said.get(known.id))
    return dict(found)


def _keys(context: Context, changed: Ref) -> Iterable[str]:
    if changed.kind == "target":
        return (changed.id.partition("|")[0],)
    return (changed.id,) if changed.kind == "target_group" else _all(context)


def _all(context: Context) -> Iterable[str]:
    return [group.id for group in context.store.all(TargetGroup)]


def _reported(context: Context) -> Iterable[str]:
    """The groups that the node has targets of which was heard; all when it may be any."""
    about, sent = context.host.about, context.host.sent
    if about is None:
        return _all(context) if context.host.balancers else ()
    program = next((p for p in sent.balancers if p.id == about), None) if sent else None
    return [pool.name.replace(":", "/") for pool in program.pools] if program else ()


reconciler(
    Reconciler(
        name="target_health",
        run=reconcile,
        kinds=frozenset({"target", "target_group", "listener", "listener_rule", "load_balancer"}),
        keys=_keys,
        all_keys=_all,
        on_host=_reported,
    )
)
