"""The decision: may this caller do this action on this resource?

Within one account, in this order ("How AWS enforcement code logic evaluates requests", IAM user guide):

1. A Deny that applies, in whatever policy, decides.
2. An Allow of the resource's policy is enough by itself where it names the user or the session.  Where it
   names the role (or everybody, and a session asks), it takes the place of the identity's Allow; boundary and
   session policies still have to agree.
3. Else the identity's policies must allow, and each of boundary and session policies that there is.
4. What comes through a VPC endpoint needs an Allow of the endpoint's policy as well.
"""

from collections.abc import Iterable
from typing import Literal

import msgspec

from seawall.iam.policy.caller import Caller, Naming, naming
from seawall.iam.policy.condition import fulfils
from seawall.iam.policy.document import Policy, Statement
from seawall.iam.policy.pattern import RequestContext, expand, is_resource

Layer = Literal["identity", "resource", "boundary", "session", "endpoint"]


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """context  condition keys in lower case, each with its values"""

    caller: Caller
    action: str
    resource: str
    context: RequestContext = {}


class Policies(msgspec.Struct, frozen=True, kw_only=True):
    """All that is to be asked.

    boundary, session, endpoint   None where there is no such layer; session policies allow together
    governed                      only the resource's policies allow; where they name the account, the
                                  identity's do as well (trust policies, KMS keys)
    """

    identity: tuple[Policy, ...] = ()
    resource: tuple[Policy, ...] = ()
    boundary: tuple[Policy, ...] | None = None
    session: tuple[Policy, ...] | None = None
    endpoint: tuple[Policy, ...] | None = None
    governed: bool = False


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """A statement that applies.  `position` counts from 0 within its document."""

    layer: Layer
    policy: str
    sid: str
    position: int


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """layer    whose Deny or missing Allow it was; of an allowed question, whose Allow it was
    explicit  a Deny applied
    matches   the statements that made the decision; none where it is an Allow that is missing
    """

    allowed: bool
    explicit: bool
    layer: Layer
    matches: tuple[Match, ...] = ()


class _Layer(msgspec.Struct, frozen=True):
    """What the statements of one layer that apply say."""

    allows: tuple[Match, ...]
    denies: tuple[Match, ...]
    namings: frozenset[Naming]  # how Allow statements name the caller, where they have a Principal


def decide(question: Question, policies: Policies) -> Decision:
    layers: dict[Layer, _Layer] = {"identity": _read("identity", policies.identity, question)}
    for name, found in (
        ("resource", policies.resource or None),
        ("boundary", policies.boundary),
        ("session", policies.session),
        ("endpoint", policies.endpoint),
    ):
        if found is not None:
            layers[name] = _read(name, found, question)  # type: ignore[index,arg-type]  # names are Layers
    for name, layer in layers.items():
        if layer.denies:
            return Decision(allowed=False, explicit=True, layer=name, matches=layer.denies)
    return _without_deny(question.caller, policies.governed, layers)


def _without_deny(caller: Caller, governed: bool, layers: dict[Layer, _Layer]) -> Decision:
    """The decision when no Deny applies: which of the layers that have to agree does not?"""
    resource = layers.get("resource")
    namings = resource.namings if resource else frozenset[Naming]()
    granted_by: Layer = "identity"
    needed: list[Layer] = ["boundary", "session", "endpoint"]
    if _grants_whole(caller, namings):
        granted_by, needed = "resource", ["endpoint"]
    elif namings & {"role", "anybody"}:
        granted_by = "resource"
    elif governed and "account" not in namings:
        return Decision(allowed=False, explicit=False, layer="resource")
    elif caller.kind != "root" and not layers["identity"].allows:
        return Decision(allowed=False, explicit=False, layer="identity")
    for name in needed:
        if name in layers and not layers[name].allows:
            return Decision(allowed=False, explicit=False, layer=name)
    return Decision(allowed=True, explicit=False, layer=granted_by, matches=layers[granted_by].allows)


def _grants_whole(caller: Caller, namings: frozenset[Naming]) -> bool:
    """Whether the resource's Allow needs no other policy's agreement."""
    return "itself" in namings or ("anybody" in namings and caller.kind != "session")


def _read(layer: Layer, policies: Iterable[Policy], question: Question) -> _Layer:
    allows: list[Match] = []
    denies: list[Match] = []
    namings: set[Naming] = set()
    with_principals = layer in ("resource", "endpoint")
    for policy in policies:
        for position, statement in enumerate(policy.document.statements):
            if not applies(statement, question):
                continue
            how = naming(statement, question.caller) if with_principals else None
            if with_principals and how is None:
                continue
            match = Match(layer=layer, policy=policy.name, sid=statement.sid, position=position)
            if statement.effect == "Deny":
                denies.append(match)
            else:
                allows.append(match)
                namings.update((how,) if how else ())
    return _Layer(tuple(allows), tuple(denies), frozenset(namings))


def applies(statement: Statement, question: Question) -> bool:
    """Do action, resource and conditions fit?  Principals are another matter."""
    if statement.actions is not None:
        if not statement.actions.name(question.action):
            return False
    elif statement.not_actions is not None and statement.not_actions.name(question.action):
        return False
    if statement.resources is not None:
        if not _names(statement.resources, statement, question):
            return False
    elif statement.not_resources is not None and _names(statement.not_resources, statement, question):
        return False
    return all(
        fulfils(condition.operator, condition.key, condition.values, question.context, statement.variables)
        for condition in statement.conditions
    )


def _names(patterns: tuple[str, ...], statement: Statement, question: Question) -> bool:
    for pattern in patterns:
        expanded = expand(pattern, question.context) if statement.variables else pattern
        if expanded is not None and is_resource(expanded, question.resource):
            return True
    return False
