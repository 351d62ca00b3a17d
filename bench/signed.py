"""A call of ECS that is signed once and sent as often as one likes over one connection.

What is measured with it is the server, not how long a client in Python takes to sign, check and parse.
"""

import http.client
import json
import urllib.parse
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials


class SignedCall:
    """`body` is what it said last.  A signature holds for five minutes."""

    def __init__(
        self,
        connection: http.client.HTTPConnection,
        url: str,
        key: Credentials,
        region: str,
        operation: str,
        **members: Any,
    ) -> None:
        self._connection = connection
        self._content = json.dumps(members)
        request = AWSRequest("POST", f"{url}/", data=self._content, headers={
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": f"AmazonEC2ContainerServiceV20141113.{operation}",
        })  # fmt: skip
        SigV4Auth(key, "ecs", region).add_auth(request)
        self._headers = dict(request.headers.items())

    def send(self) -> bytes:
        """The answer's body."""
        self._connection.request("POST", "/", self._content, self._headers)
        return self._connection.getresponse().read()


def connect(url: str) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc, timeout=30)
