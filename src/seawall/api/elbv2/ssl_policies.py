"""DescribeSSLPolicies: what `model.ssl_policy` has, as the API shows it."""

from typing import Any

from seawall.api.elbv2.paging import paged
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.ssl_policy import SSL_POLICIES, SslPolicy
from seawall.wire.errors import ApiError

_TYPES = ["application", "network"]


@operation("elbv2", "DescribeSSLPolicies", note="FIPS policies are not served.")
def describe_ssl_policies(call: Call, params: Params) -> dict[str, Any]:
    names, type = params.get("Names"), params.get("LoadBalancerType")
    policies = list(SSL_POLICIES.values())
    if names:
        unknown = [name for name in names if name not in SSL_POLICIES]
        if unknown:
            raise ApiError("SSLPolicyNotFound", f"SSL policy '{unknown[0]}' not found")
        policies = [policy for policy in policies if policy.name in names]
    if type is not None and type not in _TYPES:
        policies = []
    return paged(params, "SslPolicies", policies, lambda policy: policy.name, _shown)


def _shown(policy: SslPolicy) -> dict[str, Any]:
    return {
        "Name": policy.name,
        "SslProtocols": list(policy.protocols),
        "Ciphers": [{"Name": name, "Priority": place} for place, name in enumerate(policy.ciphers, 1)],
        "SupportedLoadBalancerTypes": _TYPES,
    }
