"""What a load balancer adds to requests and takes from them on their way to a target.

Sources: Application Load Balancers user guide, "HTTP headers and Application Load Balancers", "Request
tracing", "Host header preservation"; API reference of the load balancer and listener attributes.
"""

from collections.abc import Mapping

from seawall.compile.balancer.text import literal, word
from seawall.model.listener import Listener

FORWARDERS = "req.fhdr_cnt(x-forwarded-for)"
BARE_HOST = "req.hdr(host),regsub(':[0-9]+$','')"  # without a port, as it was written
_DEFAULT_PORTS = (80, 443)
_RESPONSE_HEADERS = (
    "strict_transport_security",
    "access_control_allow_origin",
    "access_control_allow_methods",
    "access_control_allow_headers",
    "access_control_allow_credentials",
    "access_control_expose_headers",
    "access_control_max_age",
    "content_security_policy",
    "x_content_type_options",
    "x_frame_options",
)


def dropped_headers(attributes: Mapping[str, str]) -> list[str]:
    """Names that are not letters, digits and hyphens, where they are not wanted."""
    if attributes.get("routing.http.drop_invalid_header_fields.enabled") != "true":
        return []
    return [f"http-request del-header {word('[^-A-Za-z0-9]')} -m reg"]


def request_headers(listener: Listener, attributes: Mapping[str, str]) -> list[str]:
    return [
        *_forwarded_for(attributes),
        f"http-request set-header X-Forwarded-Proto {listener.protocol.lower()}",
        f"http-request set-header X-Forwarded-Port {listener.port}",
        *trace_id(),
        *_host(listener, attributes),
        *_tls(listener, attributes),
    ]


def _forwarded_for(attributes: Mapping[str, str]) -> list[str]:
    mode = attributes.get("routing.http.xff_header_processing.mode", "append")
    if mode == "preserve":
        return []
    if mode == "remove":
        return ["http-request del-header X-Forwarded-For"]
    if attributes.get("routing.http.xff_client_port.enabled") == "true":
        return [
            "http-request set-var-fmt(txn.client) %[src]:%[src_port] if { src 0.0.0.0/0 }",
            "http-request set-var-fmt(txn.client) [%[src]]:%[src_port] unless { src 0.0.0.0/0 }",
            *_appended("%[var(txn.client)]"),
            "http-request add-header X-Forwarded-For %[var(txn.client)] unless forwarded",
        ]
    # The usual case, in which there is no such header, is one that the engine knows by itself.
    return [*_appended("%[src]"), "option forwardfor if-none"]


def _appended(client: str) -> list[str]:
    """To the one header that came, or after several."""
    longer = word(f"%[req.fhdr(x-forwarded-for)], {client}")
    return [
        f"http-request add-header X-Forwarded-For {client} if forwarded {{ {FORWARDERS} gt 1 }}",
        f"http-request set-header X-Forwarded-For {longer} if forwarded {{ {FORWARDERS} eq 1 }}",
    ]


def trace_id() -> list[str]:
    """A Root field where there is none, else a Self field before what came.

    1-SECONDS-ID: 8 and 24 hexadecimal digits, the latter drawn at random.
    """
    digits = "hex,bytes(8,8),lower"  # of 32 bits
    fresh = f"1-%[date,{digits}]-" + 3 * f"%[rand,{digits}]"
    without_self = word("req.fhdr(x-amzn-trace-id),regsub('(^|;)Self=[^;]*','',gi),regsub('^;','')")
    chained = f"Self={fresh};%[var(txn.traced)]"
    return [
        "acl traced req.fhdr(x-amzn-trace-id) -m found",
        f"http-request set-var(txn.traced) {without_self} if traced",
        f"http-request set-header X-Amzn-Trace-Id {word(chained)} if traced",
        f"http-request set-header X-Amzn-Trace-Id {word(f'Root={fresh}')} unless traced",
    ]


def _host(listener: Listener, attributes: Mapping[str, str]) -> list[str]:
    """A default port is taken from the Host header, another one is added where the client left it out."""
    if attributes.get("routing.http.preserve_host_header.enabled") == "true":
        return []
    with_port = "{ req.hdr(host),port_only gt 0 }"  # of no header there is nothing to compare
    if listener.port in _DEFAULT_PORTS:
        return [f"http-request set-header Host {word(f'%[{BARE_HOST}]')} if {with_port}"]
    return [
        f"http-request set-header Host %[req.hdr(host)]:{listener.port} "
        "if { req.hdr(host),port_only eq 0 } { req.hdr(host) -m len gt 0 }"
    ]


def connection_age(attributes: Mapping[str, str]) -> list[str]:
    """A client's connection that has lasted long ends with the answer on its way."""
    longest = attributes.get("client_keep_alive.seconds", "3600")
    return [
        "tcp-request connection set-var(sess.opened) date",
        f"http-after-response set-header Connection close if {{ date,sub(sess.opened) ge {longest} }}",
    ]


def _tls(listener: Listener, attributes: Mapping[str, str]) -> list[str]:
    enabled = attributes.get("routing.http.x_amzn_tls_version_and_cipher_suite.enabled") == "true"
    if not enabled or listener.protocol != "HTTPS":
        return []
    said = (("version", "ssl_fc_protocol"), ("cipher_suite", "ssl_fc_cipher"))
    lines = []
    for what, fetched in said:
        usual = f"x-amzn-tls-{what.replace('_', '-')}"
        name = listener.attributes.get(f"routing.http.request.x_amzn_tls_{what}.header_name") or usual
        lines.append(f"http-request set-header {word(name)} %[{fetched}]")
    return lines


def response_headers(listener: Listener) -> list[str]:
    """Those the listener's attributes set; and the date where nobody said it."""
    lines = ["http-after-response set-header Date %[date,http_date] unless { res.hdr(date) -m found }"]
    if listener.attributes.get("routing.http.response.server.enabled") == "false":
        lines.append("http-after-response del-header Server")
    for name in _RESPONSE_HEADERS:
        value = listener.attributes.get(f"routing.http.response.{name}.header_value")
        if value:
            header = name.replace("_", "-")
            lines.append(f"http-after-response set-header {header} {word(literal(value))}")
    return lines
