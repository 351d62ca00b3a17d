"""Signature Version 4 of requests without a query, as the host makes them for tasks.

Source: IAM user guide, "Create a signed AWS API request".  botocore can do it too, but to import it takes as
long as all else an agent needs until it answers again.
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timezone
from urllib.parse import urlsplit

from seawall.program.task import Credentials

_ALGORITHM = "AWS4-HMAC-SHA256"


def signed(
    credentials: Credentials,
    service: str,
    region: str,
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes = b"",
    now: datetime | None = None,
) -> dict[str, str]:
    """The headers to send.  `service` and `region` as in the credential scope; the URL's path is escaped."""
    parts = urlsplit(url)
    moment = (now or datetime.now(timezone.utc)).strftime("%Y%m%dT%H%M%SZ")
    digest = hashlib.sha256(body).hexdigest()
    sent = {**headers, "X-Amz-Date": moment}
    if service == "s3":
        sent["X-Amz-Content-SHA256"] = digest
    if credentials.session_token:
        sent["X-Amz-Security-Token"] = credentials.session_token
    covered = sorted(
        {"host": parts.netloc, **{name.lower(): " ".join(sent[name].split()) for name in sent}}.items()
    )
    names = ";".join(name for name, _ in covered)
    canonical = [
        method,
        parts.path or "/",
        "",
        *(f"{name}:{value}" for name, value in covered),
        "",
        names,
        digest,
    ]
    scope = f"{moment[:8]}/{region}/{service}/aws4_request"
    request = hashlib.sha256("\n".join(canonical).encode()).hexdigest()
    key = f"AWS4{credentials.secret_access_key}".encode()
    for part in (*scope.split("/"), "\n".join((_ALGORITHM, moment, scope, request))):
        key = hmac.digest(key, part.encode(), "sha256")
    sent["Authorization"] = (
        f"{_ALGORITHM} Credential={credentials.access_key_id}/{scope}, "
        f"SignedHeaders={names}, Signature={key.hex()}"
    )
    return sent
