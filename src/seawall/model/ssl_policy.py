"""The security policies of load balancers: which versions of TLS and which ciphers a listener speaks.

Source: guides of application and network load balancers, "Security policies".  Ciphers have OpenSSL's names,
in order of preference.  The policies with PQ in their name offer post-quantum key exchange besides; clients
that do not have it speak as with the policy of the same name without.
"""

from typing import Literal, NamedTuple

TlsVersion = Literal["TLSv1.3", "TLSv1.2", "TLSv1.1", "TLSv1"]


class SslPolicy(NamedTuple):
    name: str
    protocols: tuple[TlsVersion, ...]
    ciphers: tuple[str, ...]


_TLS13 = ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256")
_GCM_128 = ("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256")
_SHA256_128 = ("ECDHE-ECDSA-AES128-SHA256", "ECDHE-RSA-AES128-SHA256")
_SHA_128 = ("ECDHE-ECDSA-AES128-SHA", "ECDHE-RSA-AES128-SHA")
_GCM_256 = ("ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-RSA-AES256-GCM-SHA384")
_SHA384_256 = ("ECDHE-ECDSA-AES256-SHA384", "ECDHE-RSA-AES256-SHA384")
_SHA_256 = ("ECDHE-ECDSA-AES256-SHA", "ECDHE-RSA-AES256-SHA")

_RESTRICTED = (*_GCM_128, *_GCM_256)
_FORWARD_SECRET_SHA2 = (*_GCM_128, *_SHA256_128, *_GCM_256, *_SHA384_256)
_FORWARD_SECRET = (*_GCM_128, *_SHA256_128, *_SHA_128, *_GCM_256, *_SHA384_256, *_SHA_256)
_RSA_SHA2 = ("AES128-GCM-SHA256", "AES128-SHA256", "AES256-GCM-SHA384", "AES256-SHA256")
_RSA = (
    "AES128-GCM-SHA256",
    "AES128-SHA256",
    "AES128-SHA",
    "AES256-GCM-SHA384",
    "AES256-SHA256",
    "AES256-SHA",
)
_ALL = (*_FORWARD_SECRET, *_RSA)

_FROM_13: tuple[TlsVersion, ...] = ("TLSv1.3",)
_FROM_12: tuple[TlsVersion, ...] = ("TLSv1.2",)
_FROM_11: tuple[TlsVersion, ...] = ("TLSv1.2", "TLSv1.1")
_FROM_10: tuple[TlsVersion, ...] = ("TLSv1.2", "TLSv1.1", "TLSv1")

_TABLE = (
    SslPolicy("ELBSecurityPolicy-TLS13-1-3-2021-06", _FROM_13, _TLS13),
    SslPolicy("ELBSecurityPolicy-TLS13-1-2-2021-06", _FROM_13 + _FROM_12, _TLS13 + _FORWARD_SECRET_SHA2),
    SslPolicy("ELBSecurityPolicy-TLS13-1-2-Res-2021-06", _FROM_13 + _FROM_12, _TLS13 + _RESTRICTED),
    SslPolicy("ELBSecurityPolicy-TLS13-1-2-Ext2-2021-06", _FROM_13 + _FROM_12, _TLS13 + _ALL),
    SslPolicy(
        "ELBSecurityPolicy-TLS13-1-2-Ext1-2021-06",
        _FROM_13 + _FROM_12,
        _TLS13 + _FORWARD_SECRET_SHA2 + _RSA_SHA2,
    ),
    SslPolicy("ELBSecurityPolicy-TLS13-1-1-2021-06", _FROM_13 + _FROM_11, _TLS13 + _ALL),
    SslPolicy("ELBSecurityPolicy-TLS13-1-0-2021-06", _FROM_13 + _FROM_10, _TLS13 + _ALL),
    SslPolicy("ELBSecurityPolicy-TLS13-1-3-PQ-2025-09", _FROM_13, _TLS13),
    SslPolicy("ELBSecurityPolicy-TLS13-1-2-PQ-2025-09", _FROM_13 + _FROM_12, _TLS13 + _FORWARD_SECRET_SHA2),
    SslPolicy("ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09", _FROM_13 + _FROM_12, _TLS13 + _RESTRICTED),
    SslPolicy("ELBSecurityPolicy-TLS13-1-2-Ext2-PQ-2025-09", _FROM_13 + _FROM_12, _TLS13 + _ALL),
    SslPolicy(
        "ELBSecurityPolicy-TLS13-1-2-Ext1-PQ-2025-09",
        _FROM_13 + _FROM_12,
        _TLS13 + _FORWARD_SECRET_SHA2 + _RSA_SHA2,
    ),
    SslPolicy("ELBSecurityPolicy-TLS13-1-0-PQ-2025-09", _FROM_13 + _FROM_10, _TLS13 + _ALL),
    SslPolicy("ELBSecurityPolicy-TLS-1-2-Ext-2018-06", _FROM_12, _ALL),
    SslPolicy("ELBSecurityPolicy-TLS-1-2-2017-01", _FROM_12, _FORWARD_SECRET_SHA2 + _RSA_SHA2),
    SslPolicy("ELBSecurityPolicy-TLS-1-1-2017-01", _FROM_11, _ALL),
    SslPolicy("ELBSecurityPolicy-2016-08", _FROM_10, _ALL),
    SslPolicy("ELBSecurityPolicy-2015-05", _FROM_10, _ALL),
    SslPolicy("ELBSecurityPolicy-TLS-1-0-2015-04", _FROM_10, (*_ALL, "DES-CBC3-SHA")),
    SslPolicy("ELBSecurityPolicy-FS-1-2-Res-2020-10", _FROM_12, _RESTRICTED),
    SslPolicy("ELBSecurityPolicy-FS-1-2-Res-2019-08", _FROM_12, _FORWARD_SECRET_SHA2),
    SslPolicy("ELBSecurityPolicy-FS-1-2-2019-08", _FROM_12, _FORWARD_SECRET),
    SslPolicy("ELBSecurityPolicy-FS-1-1-2019-08", _FROM_11, _FORWARD_SECRET),
    SslPolicy("ELBSecurityPolicy-FS-2018-06", _FROM_10, _FORWARD_SECRET),
)

SSL_POLICIES = {policy.name: policy for policy in _TABLE}
