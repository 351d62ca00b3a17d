"""What is wrong with a request's credentials, in the words of each protocol."""

from typing import Literal

from seawall.wire.errors import ApiError
from seawall.wire.service import Service

Kind = Literal[
    "missing",  # no signature at all
    "incomplete",  # a signature that lacks parts
    "scope",  # signed for another region, service or day
    "skewed",  # signed too long ago, or in the future
    "request expired",  # a presigned request past its time
    "mismatch",  # the signature does not fit the request
    "unknown key",  # no such access key, an inactive one, or a wrong session token
    "session expired",  # temporary credentials past their time
]


class AuthFault(Exception):
    """`text` replaces the kind's usual message."""

    def __init__(self, kind: Kind, text: str = "") -> None:
        super().__init__(f"{kind}: {text}")
        self.kind: Kind = kind
        self.text = text


_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
    "Access Key and signing method. Consult the service documentation for details."
)
_INVALID_TOKEN = "The security token included in the request is invalid."
_EXPIRED_TOKEN = "The security token included in the request is expired"

# kind -> (code, text, status)
_Table = dict[Kind, tuple[str, str, int]]

_JSON: _Table = {
    "missing": ("MissingAuthenticationTokenException", "Missing Authentication Token", 400),
    "incomplete": ("IncompleteSignatureException", "", 400),
    "scope": ("InvalidSignatureException", "", 400),
    "skewed": ("InvalidSignatureException", "", 400),
    "request expired": ("RequestExpired", "Request has expired.", 400),
    "mismatch": ("InvalidSignatureException", _MISMATCH, 400),
    "unknown key": ("UnrecognizedClientException", _INVALID_TOKEN, 400),
    "session expired": ("ExpiredTokenException", _EXPIRED_TOKEN, 400),
}
_REST_JSON: _Table = {kind: (code, text, 403) for kind, (code, text, _) in _JSON.items()}
_QUERY: _Table = {
    "missing": ("MissingAuthenticationToken", "Request is missing Authentication Token", 403),
    "incomplete": ("IncompleteSignature", "", 400),
    "scope": ("SignatureDoesNotMatch", "", 403),
    "skewed": ("SignatureDoesNotMatch", "", 403),
    "request expired": ("RequestExpired", "Request has expired.", 400),
    "mismatch": ("SignatureDoesNotMatch", _MISMATCH, 403),
    "unknown key": ("InvalidClientTokenId", _INVALID_TOKEN, 403),
    "session expired": ("ExpiredToken", _EXPIRED_TOKEN, 403),
}
_AUTH_FAILURE = ("AuthFailure", "AWS was not able to validate the provided access credentials", 401)
_EC2: _Table = {
    "missing": ("MissingParameter", "The request must contain the parameter AWSAccessKeyId", 400),
    "incomplete": ("IncompleteSignature", "", 400),
    "scope": _AUTH_FAILURE,
    "skewed": _AUTH_FAILURE,
    "request expired": ("RequestExpired", "Request has expired.", 400),
    "mismatch": _AUTH_FAILURE,
    "unknown key": _AUTH_FAILURE,
    "session expired": ("RequestExpired", "Request has expired.", 400),
}
_S3: _Table = _QUERY | {
    "missing": ("AccessDenied", "Access Denied", 403),
    "incomplete": ("AuthorizationHeaderMalformed", "", 400),
    "scope": ("AuthorizationHeaderMalformed", "", 400),
    "skewed": (
        "RequestTimeTooSkewed",
        "The difference between the request time and the current time is too large.",
        403,
    ),
    "request expired": ("AccessDenied", "Request has expired", 403),
    "mismatch": (
        "SignatureDoesNotMatch",
        "The request signature we calculated does not match the signature you provided. "
        "Check your key and signing method.",
        403,
    ),
    "unknown key": (
        "InvalidAccessKeyId",
        "The AWS Access Key Id you provided does not exist in our records.",
        403,
    ),
    "session expired": ("ExpiredToken", "The provided token has expired.", 400),
}
_BY_PROTOCOL: dict[str, _Table] = {
    "json": _JSON,
    "smithy-rpc-v2-cbor": _JSON,
    "rest-json": _REST_JSON,
    "query": _QUERY,
    "rest-xml": _QUERY,
    "ec2": _EC2,
}
_FIXED_TEXT = {_AUTH_FAILURE[0], "RequestTimeTooSkewed"}  # codes whose text never tells the details


def auth_error(fault: AuthFault, service: Service) -> ApiError:
    """The answer that `service` gives for this fault."""
    table = _S3 if service.name == "s3" else _BY_PROTOCOL[service.protocol]
    code, text, status = table[fault.kind]
    if fault.text and code not in _FIXED_TEXT:
        text = fault.text
    return ApiError(code, text, status=status)
