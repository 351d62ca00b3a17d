"""The further certificates of a listener, chosen by the server name a client asks for."""

from typing import Any

from msgspec.structs import replace

from seawall.api.elbv2.listener_tls import SECURE, certificate_arn
from seawall.api.elbv2.load_balancer_node import refused
from seawall.api.elbv2.names import find_listener, invalid
from seawall.api.elbv2.paging import paged
from seawall.api.elbv2.quotas import CERTIFICATES_PER_ALB, CERTIFICATES_PER_NLB, check_quota
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.listener import Listener
from seawall.model.load_balancer import LoadBalancer
from seawall.store.store import Transaction
from seawall.wire.errors import ApiError


@operation("elbv2", "AddListenerCertificates")
def add_listener_certificates(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        listener = find_listener(call, txn, params["ListenerArn"])
        if listener.protocol not in SECURE:
            raise invalid(f"A certificate cannot be specified for {listener.protocol} listeners")
        wanted = [certificate_arn(txn, given) for given in params["Certificates"]]
        if not wanted:
            raise invalid("A certificate ARN must be specified")
        arns = tuple(dict.fromkeys((*listener.certificate_arns, *wanted)))
        listener = replace(listener, certificate_arns=arns)
        txn.put(listener)
        _check_quota(txn, listener)
    return {"Certificates": [{"CertificateArn": arn, "IsDefault": False} for arn in wanted]}


def _check_quota(txn: Transaction, listener: Listener) -> None:
    """The default certificates do not count."""
    balancer = txn.get(LoadBalancer, listener.load_balancer_id)
    count = sum(len(one.certificate_arns[1:]) for one in txn.referrers(Listener, balancer.ref))
    of = CERTIFICATES_PER_ALB if balancer.type == "application" else CERTIFICATES_PER_NLB
    text = "You've reached the limit on the number of certificates per load balancer"
    check_quota(txn, count, of, "TooManyCertificates", text)


@operation("elbv2", "RemoveListenerCertificates")
def remove_listener_certificates(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        listener = find_listener(call, txn, params["ListenerArn"])
        gone = {given.get("CertificateArn") for given in params["Certificates"]}
        if listener.certificate_arns and listener.certificate_arns[0] in gone:
            raise ApiError(
                "OperationNotPermitted",
                f"Default certificate '{listener.certificate_arns[0]}' cannot be removed",
            )
        kept = tuple(arn for arn in listener.certificate_arns if arn not in gone)
        txn.put(replace(listener, certificate_arns=kept))
    return {}


@operation("elbv2", "DescribeListenerCertificates")
def describe_listener_certificates(call: Call, params: Params) -> dict[str, Any]:
    listener = find_listener(call, call.store, params["ListenerArn"])
    if listener.protocol not in SECURE:
        raise refused(f"Certificates are not supported for {listener.protocol} listeners")
    default = listener.certificate_arns[0]
    return paged(
        params,
        "Certificates",
        listener.certificate_arns,
        lambda arn: f"{arn != default} {arn}",
        lambda arn: {"CertificateArn": arn, "IsDefault": arn == default},
    )
