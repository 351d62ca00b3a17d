"""What clients of Route 53 see when a request is refused, or names no service."""

from seawall.wire.errors import ApiError
from seawall.wire.http import Request
from seawall.wire.identify import Identifier, Unidentified
from seawall.wire.protocols import protocol_for
from seawall.wire.service import load_service


def request(path: str, method: str = "GET", **headers: str) -> Request:
    return Request(method=method, path=path, query="", headers=headers, body=b"")


def test_errors_are_of_the_services_namespace() -> None:
    service = load_service("route53")
    assert service is not None
    answer = protocol_for(service).error(ApiError("NoSuchHostedZone", "No <zone>"), "id-1")
    assert answer.status == 404
    assert answer.body.decode().partition("\n")[2] == (
        '<ErrorResponse xmlns="https://route53.amazonaws.com/doc/2013-04-01/"><Error><Type>Sender</Type>'
        "<Code>NoSuchHostedZone</Code><Message>No &lt;zone&gt;</Message></Error>"
        "<RequestId>id-1</RequestId></ErrorResponse>"
    )


def test_a_last_slash_makes_no_difference() -> None:
    """botocore sends the one that the model has, the SDK for Go (Terraform) does not."""
    identifier = Identifier(["route53"])
    for path in ("/2013-04-01/hostedzone/Z1/rrset", "/2013-04-01/hostedzone/Z1/rrset/"):
        asked = request(path, "POST", host="route53.amazonaws.com")
        target = identifier.identify(asked)
        assert target.operation is not None
        assert target.operation.name == "ChangeResourceRecordSets"
        assert target.protocol.parse(target.operation, asked)["HostedZoneId"] == "Z1"


def test_the_host_name_tells_the_service_of_a_request_that_is_not_signed() -> None:
    identifier = Identifier(["ec2", "route53"])
    target = identifier.identify(request("/2013-04-01/hostedzonecount", host="route53.amazonaws.com:443"))
    assert target.operation is not None
    assert target.operation.name == "GetHostedZoneCount"
    for host in ("localhost:4566", ""):
        try:
            identifier.identify(request("/2013-04-01/hostedzonecount", host=host))
        except Unidentified as error:
            assert error.code == "MissingAuthenticationToken"
        else:
            raise AssertionError(host)
