"""Listeners: the ports of a load balancer, and what it does with requests that no rule speaks of."""

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from seawall.api.elbv2.action import REFUSED_ACTIONS, read_actions, shown_action
from seawall.api.elbv2.action_rules import check_actions
from seawall.api.elbv2.listener_attribute import default_attributes
from seawall.api.elbv2.listener_tls import (
    SECURE,
    checked_alpn,
    checked_policy,
    default_certificate,
    refuse_insecure,
    refuse_mutual,
    shown_tls,
)
from seawall.api.elbv2.load_balancer import delete_listener_documents
from seawall.api.elbv2.names import (
    LISTENER,
    LOAD_BALANCER,
    arn,
    find_listener,
    find_load_balancer,
    id_in,
    invalid,
    missing,
    new_id,
)
from seawall.api.elbv2.paging import paged
from seawall.api.elbv2.quotas import LISTENERS_PER_ALB, LISTENERS_PER_NLB, check_count
from seawall.api.elbv2.tagging import checked_tags
from seawall.api.elbv2.target_quotas import check_target_quotas
from seawall.api.params import Params
from seawall.api.quota import limit
from seawall.api.registry import Call, operation
from seawall.model.listener import Listener, ListenerProtocol
from seawall.model.load_balancer import LoadBalancer, LoadBalancerType
from seawall.store.store import Reader, Transaction
from seawall.wire.errors import ApiError, NotImplementedHere

_PROTOCOLS: Mapping[LoadBalancerType, tuple[ListenerProtocol, ...]] = {
    "application": ("HTTP", "HTTPS"),
    "network": ("TLS", "TCP", "TCP_UDP", "UDP"),
}
_REFUSED = REFUSED_ACTIONS | {
    "MutualAuthentication": "clients are not asked for certificates",
    "Protocol": "QUIC, TCP_QUIC and GENEVE are not served",
}


@operation(
    "elbv2",
    "CreateListener",
    refused=_REFUSED,
    note="What is no HTTP at all is answered 400 as on AWS, but with a page and headers of HAProxy's own;"
    " what is no TLS gets no answer. A target that dies is a 502 as on AWS; but while a body is sent to"
    " it, or after an interim answer, the client's connection may just end. One that cannot be reached is"
    " a 504 after 7 s, not 10.",
)
def create_listener(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        balancer = find_load_balancer(call, txn, params["LoadBalancerArn"])
        listener = _wanted(call, txn, params, balancer)
        known = _on_port(txn, balancer, listener.port)
        if known is None:
            check_actions(call, txn, balancer, listener.protocol, listener.default_actions)
            _check_quota(txn, balancer)
            txn.put(listener, expect=0)
            check_target_quotas(txn, balancer)
        elif _asked(known) == _asked(listener):
            listener = known
        else:
            raise ApiError(
                "DuplicateListener",
                "A listener already exists on this port for this load balancer"
                f" '{arn(call, LOAD_BALANCER, balancer.id)}'",
            )
    return {"Listeners": [shown_listener(call, listener)]}


def _wanted(call: Call, txn: Transaction, params: Params, balancer: LoadBalancer) -> Listener:
    port, given = params.get("Port"), params.get("Protocol")
    if port is None:
        raise invalid("A listener port must be specified")
    if given is None:
        raise invalid("A listener protocol must be specified")
    protocol = _protocol(given, balancer.type)
    refuse_mutual(params)
    if protocol in SECURE:
        certificates: tuple[str, ...] = (default_certificate(txn, params.get("Certificates"), protocol),)
        policy: str | None = checked_policy(params.get("SslPolicy"))
    else:
        refuse_insecure(params, protocol)
        certificates, policy = (), None
    id = f"{balancer.id}/{new_id()}"
    return Listener(
        id=id,
        load_balancer_id=balancer.id,
        protocol=protocol,
        port=port,
        default_actions=read_actions(call, params["DefaultActions"], balancer.type),
        certificate_arns=certificates,
        ssl_policy=policy,
        alpn_policy=checked_alpn(params.get("AlpnPolicy"), protocol),
        default_rule_id=f"{id}/{new_id()}",
        attributes=default_attributes(protocol),
        tags=checked_tags(params.get("Tags")),
    )


def _protocol(given: str, type: LoadBalancerType) -> ListenerProtocol:
    if given in ("QUIC", "TCP_QUIC") and type == "network":
        raise NotImplementedHere(f"Protocol={given}: Seawall's load balancers do not speak QUIC.")
    for protocol in _PROTOCOLS[type]:
        if protocol == given:
            return protocol
    raise invalid(f"Listener protocol '{given}' must be one of '{', '.join(_PROTOCOLS[type])}'")


def _on_port(reader: Reader, balancer: LoadBalancer, port: int) -> Listener | None:
    return next((one for one in reader.referrers(Listener, balancer.ref) if one.port == port), None)


def _asked(listener: Listener) -> tuple[object, ...]:
    """What a request to create it decides."""
    return (
        listener.protocol,
        listener.default_actions,
        listener.certificate_arns[:1],
        listener.ssl_policy,
        listener.alpn_policy,
        listener.tags,
    )


def _check_quota(txn: Transaction, balancer: LoadBalancer) -> None:
    application = balancer.type == "application"
    most = limit(txn, LISTENERS_PER_ALB) if application else LISTENERS_PER_NLB
    count = len(txn.referrers(Listener, balancer.ref)) + 1
    text = "You've reached the limit on the number of listeners per load balancer"
    check_count(count, most, "TooManyListeners", text)


@operation("elbv2", "DescribeListeners")
def describe_listeners(call: Call, params: Params) -> dict[str, Any]:
    balancer, arns = params.get("LoadBalancerArn"), params.get("ListenerArns")
    if not balancer and not arns:
        raise invalid("You must specify either listener ARNs or a load balancer ARN")
    if balancer and arns:
        raise invalid("Listener ARNs and a load balancer ARN cannot be specified at the same time")
    if balancer:
        listeners = call.store.referrers(Listener, find_load_balancer(call, call.store, balancer).ref)
    else:
        wanted = dict.fromkeys(id_in(call, LISTENER, one) for one in arns)
        found = [call.store.find(Listener, id) for id in wanted]
        listeners = [listener for listener in found if listener is not None]
        if len(listeners) < len(wanted):
            raise missing(LISTENER)
    return paged(params, "Listeners", listeners, lambda one: one.id, lambda one: shown_listener(call, one))


@operation("elbv2", "ModifyListener", refused=_REFUSED)
def modify_listener(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        listener = find_listener(call, txn, params["ListenerArn"])
        balancer = txn.get(LoadBalancer, listener.load_balancer_id)
        refuse_mutual(params)
        port, given = params.get("Port"), params.get("Protocol")
        if port is not None and port != listener.port:
            if _on_port(txn, balancer, port) is not None:
                raise invalid(f"Listener port '{port}' is already in use")
            listener = replace(listener, port=port)
        if given is not None:
            listener = _with_protocol(listener, _protocol(given, balancer.type))
        listener = _with_tls(txn, params, listener)
        actions = params.get("DefaultActions")
        if actions:
            listener = replace(listener, default_actions=read_actions(call, actions, balancer.type))
        check_actions(call, txn, balancer, listener.protocol, listener.default_actions)
        txn.put(listener)
        check_target_quotas(txn, balancer)
    return {"Listeners": [shown_listener(call, listener)]}


def _with_protocol(listener: Listener, protocol: ListenerProtocol) -> Listener:
    """A listener that speaks TLS no longer loses its certificates and its policy."""
    if protocol == listener.protocol:
        return listener
    known = default_attributes(protocol)
    kept = {key: value for key, value in listener.attributes.items() if key in known}
    listener = replace(listener, protocol=protocol, attributes=known | kept, alpn_policy=None)
    if protocol in SECURE:
        return listener
    return replace(listener, certificate_arns=(), ssl_policy=None)


def _with_tls(txn: Transaction, params: Params, listener: Listener) -> Listener:
    protocol = listener.protocol
    if protocol not in SECURE:
        refuse_insecure(params, protocol)
        checked_alpn(params.get("AlpnPolicy"), protocol)
        return listener
    certificates = params.get("Certificates")
    if certificates or not listener.certificate_arns:
        default = default_certificate(txn, certificates, protocol)
        others = tuple(one for one in listener.certificate_arns[1:] if one != default)
        listener = replace(listener, certificate_arns=(default, *others))
    policy = checked_policy(params.get("SslPolicy") or listener.ssl_policy)
    given = params.get("AlpnPolicy")
    alpn = listener.alpn_policy if given is None else checked_alpn(given, protocol)
    return replace(listener, ssl_policy=policy, alpn_policy=alpn)


@operation("elbv2", "DeleteListener")
def delete_listener(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        delete_listener_documents(txn, find_listener(call, txn, params["ListenerArn"]))
    return {}


def shown_listener(call: Call, listener: Listener) -> dict[str, Any]:
    return {
        "ListenerArn": arn(call, LISTENER, listener.id),
        "LoadBalancerArn": arn(call, LOAD_BALANCER, listener.load_balancer_id),
        "Port": listener.port,
        "Protocol": listener.protocol,
        **shown_tls(listener),
        "DefaultActions": [shown_action(call, action) for action in listener.default_actions],
    }
