"""Attributes of listeners.  Source: API reference, ListenerAttribute."""

from typing import Any

from msgspec.structs import replace

from seawall.api.elbv2.attribute import Attribute, Attributes, changed, defaults, number, shown, switch
from seawall.api.elbv2.names import find_listener
from seawall.api.params import Params
from seawall.api.registry import Call, operation
from seawall.model.listener import Listener, ListenerProtocol

_HEADER_NAME = r"[A-Za-z0-9_-]{0,40}"
_HEADER_VALUE = r"[ -~]{0,1024}"
_NO_MUTUAL = "clients are not asked for certificates"

_RESPONSE: Attributes = {
    "routing.http.response.server.enabled": switch("true"),
    **{
        f"routing.http.response.{name}.header_value": Attribute("", pattern=_HEADER_VALUE)
        for name in (
            "strict_transport_security",
            "access_control_allow_origin",
            "access_control_allow_methods",
            "access_control_allow_headers",
            "access_control_allow_credentials",
            "access_control_expose_headers",
            "access_control_max_age",
            "content_security_policy",
        )
    },
    "routing.http.response.x_content_type_options.header_value": Attribute("", ("", "nosniff")),
    "routing.http.response.x_frame_options.header_value": Attribute("", ("", "DENY", "SAMEORIGIN")),
}
_REQUEST: Attributes = {
    f"routing.http.request.{name}.header_name": Attribute("", pattern=_HEADER_NAME)
    for name in ("x_amzn_tls_version", "x_amzn_tls_cipher_suite")
}
_MUTUAL: Attributes = {
    f"routing.http.request.{name}.header_name": Attribute("", served=("",), reason=_NO_MUTUAL)
    for name in (
        "x_amzn_mtls_clientcert",
        "x_amzn_mtls_clientcert_serial_number",
        "x_amzn_mtls_clientcert_issuer",
        "x_amzn_mtls_clientcert_subject",
        "x_amzn_mtls_clientcert_validity",
        "x_amzn_mtls_clientcert_leaf",
    )
}
_IDLE: Attributes = {"tcp.idle_timeout.seconds": number("350", 60, 6000)}
_KNOWN: dict[ListenerProtocol, Attributes] = {
    "HTTP": _RESPONSE,
    "HTTPS": {**_RESPONSE, **_REQUEST, **_MUTUAL},
    "TCP": _IDLE,
    "TCP_UDP": _IDLE,
    "TLS": {},
    "UDP": {},
}


def default_attributes(protocol: ListenerProtocol) -> dict[str, str]:
    return defaults(_KNOWN[protocol])


@operation("elbv2", "DescribeListenerAttributes")
def describe_listener_attributes(call: Call, params: Params) -> dict[str, Any]:
    return {"Attributes": shown(find_listener(call, call.store, params["ListenerArn"]).attributes)}


@operation(
    "elbv2",
    "ModifyListenerAttributes",
    note="Names of headers about clients' certificates cannot be set: clients are not asked for any.",
)
def modify_listener_attributes(call: Call, params: Params) -> dict[str, Any]:
    with call.write() as txn:
        listener = find_listener(call, txn, params["ListenerArn"])
        attributes = changed(
            _KNOWN[listener.protocol],
            _elsewhere(listener),
            listener.attributes,
            params["Attributes"],
            "Listener",
        )
        txn.put(replace(listener, attributes=attributes))
    return {"Attributes": shown(attributes)}


def _elsewhere(listener: Listener) -> dict[str, str]:
    return {
        key: f"Listener attribute key '{key}' is not supported on listeners with protocol"
        f" '{listener.protocol}'"
        for known in _KNOWN.values()
        for key in known
    }
