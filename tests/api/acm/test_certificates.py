"""Certificates: imported with their checks, shown, listed, kept while in use."""

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from ipaddress import ip_address
from typing import Any, NamedTuple

import pytest
from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

Call = Callable[..., Any]
BORN = datetime(2025, 1, 1, tzinfo=timezone.utc)
MISSING = "arn:aws:acm:us-east-1:123456789012:certificate/01234567-89ab-cdef-0123-456789abcdef"


class Made(NamedTuple):
    certificate: x509.Certificate
    key: Any

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    def key_pem(self, password: bytes | None = None) -> bytes:
        encryption = BestAvailableEncryption(password) if password else NoEncryption()
        return bytes(self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))


def make(
    *names: str, key: Any = None, signer: Made | None = None, born: datetime = BORN, days: int = 3650
) -> Made:
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    issuer = signer.certificate.subject if signer else subject
    alternative: list[x509.GeneralName] = [x509.DNSName(name) for name in names]
    alternative.append(x509.IPAddress(ip_address("10.0.0.1")))
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(0xABC)
        .not_valid_before(born)
        .not_valid_after(born + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName(alternative), critical=False)
    )
    return Made(builder.sign(signer.key if signer else key, SHA256()), key)


@pytest.fixture(scope="module")
def authority() -> Made:
    return make("authority.example")


@pytest.fixture(scope="module")
def web(authority: Made) -> Made:
    key = rsa.generate_private_key(65537, 2048)
    return make("www.example.com", "example.com", key=key, signer=authority)


@pytest.fixture
def acm(aws: Call) -> Any:
    return aws("acm")


def bring(acm: Any, made: Made, **more: Any) -> str:
    wanted = {"Certificate": made.pem, "PrivateKey": made.key_pem()} | more
    return str(acm.import_certificate(**wanted)["CertificateArn"])


def refused(call: Call, **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**params)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_an_imported_certificate_is_described(acm: Any, web: Made, authority: Made, clock: Any) -> None:
    arn = bring(acm, web, CertificateChain=authority.pem, Tags=[{"Key": "a", "Value": "1"}])
    assert arn.startswith("arn:aws:acm:us-east-1:123456789012:certificate/")
    found = acm.describe_certificate(CertificateArn=arn)["Certificate"]
    assert found["DomainName"] == "www.example.com"
    assert found["SubjectAlternativeNames"] == ["www.example.com", "example.com", "10.0.0.1"]
    assert (found["Status"], found["Type"], found["KeyAlgorithm"]) == ("ISSUED", "IMPORTED", "RSA-2048")
    assert (found["Serial"], found["Issuer"]) == ("0a:bc", "authority.example")
    assert found["SignatureAlgorithm"] == "SHA256WITHECDSA"
    assert found["NotBefore"] == BORN
    assert found["InUseBy"] == []
    text = acm.get_certificate(CertificateArn=arn)
    assert text["Certificate"].encode() == web.pem
    assert text["CertificateChain"].encode() == authority.pem
    assert acm.list_tags_for_certificate(CertificateArn=arn)["Tags"] == [{"Key": "a", "Value": "1"}]
    clock.advance(11 * 365 * 86400)
    assert acm.describe_certificate(CertificateArn=arn)["Certificate"]["Status"] == "EXPIRED"


def test_it_is_imported_again_under_the_same_name(acm: Any, web: Made) -> None:
    arn = bring(acm, web)
    other = make("other.example.com")
    assert bring(acm, other, CertificateArn=arn) == arn
    assert acm.describe_certificate(CertificateArn=arn)["Certificate"]["DomainName"] == "other.example.com"
    assert refused(
        acm.import_certificate,
        CertificateArn=arn,
        Certificate=web.pem,
        PrivateKey=web.key_pem(),
        Tags=[{"Key": "a"}],
    ) == ("ValidationException", "Tagging is not permitted on re-import.")


def test_what_is_no_certificate_is_not_imported(acm: Any, web: Made, authority: Made) -> None:
    def no(**params: Any) -> str:
        wanted = {"Certificate": web.pem, "PrivateKey": web.key_pem()} | params
        code, text = refused(acm.import_certificate, **wanted)
        assert code == "ValidationException"
        return text

    assert no(Certificate=b"nothing") == "The certificate is not PEM-encoded or is not valid."
    assert no(PrivateKey=b"nothing") == "The private key is not PEM-encoded or is not valid."
    assert no(PrivateKey=authority.key_pem()) == "The private key does not match the certificate."
    assert "encrypted" in no(PrivateKey=web.key_pem(b"secret"))
    assert no(Certificate=web.pem + authority.pem) == (
        "The certificate field contains more than one certificate. You can specify only one certificate in"
        " this field."
    )
    assert no(CertificateChain=web.pem) == (
        "Unable to validate certificate chain. The certificate chain must start with the immediate signing"
        " certificate, followed by any intermediaries in order. The index within the chain of the invalid"
        " certificate is: 0"
    )
    old = make("a.example", days=1)
    assert no(Certificate=old.pem, PrivateKey=old.key_pem()) == "The certificate has expired, is not valid."
    early = make("a.example", born=datetime(2027, 1, 1, tzinfo=timezone.utc))
    assert no(Certificate=early.pem, PrivateKey=early.key_pem()) == (
        "The certificate is not in effect yet, is not valid."
    )
    odd = make("a.example", key=ec.generate_private_key(ec.SECP256K1()))
    assert no(Certificate=odd.pem, PrivateKey=odd.key_pem()) == "The private key is not supported."


def test_the_list_has_rsa_keys_unless_others_are_asked_for(acm: Any, web: Made, clock: Any) -> None:
    first = bring(acm, web)
    clock.advance(1)
    second = bring(acm, web)
    curve = bring(acm, make("curve.example"))

    def arns(**params: Any) -> list[str]:
        return [one["CertificateArn"] for one in acm.list_certificates(**params)["CertificateSummaryList"]]

    assert arns() == [first, second]
    assert arns(SortBy="CREATED_AT", SortOrder="DESCENDING") == [second, first]
    assert arns(Includes={"keyTypes": ["EC_prime256v1"]}) == [curve]
    assert arns(CertificateStatuses=["EXPIRED"]) == []
    page = acm.list_certificates(MaxItems=1)
    assert arns(MaxItems=1, NextToken=page["NextToken"]) == [second]


def test_one_that_a_listener_shows_stays(acm: Any, aws: Call, web: Made) -> None:
    arn, elb, ec2 = bring(acm, web), aws("elbv2"), aws("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{n}.0/24", AvailabilityZone=zone)["Subnet"]["SubnetId"]
        for n, zone in enumerate(("us-east-1a", "us-east-1b"))
    ]
    balancer = elb.create_load_balancer(Name="web", Subnets=subnets, Scheme="internal")["LoadBalancers"][0][
        "LoadBalancerArn"
    ]
    action = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200"}}
    [listener] = elb.create_listener(
        LoadBalancerArn=balancer,
        Port=443,
        Protocol="HTTPS",
        Certificates=[{"CertificateArn": arn}],
        DefaultActions=[action],
    )["Listeners"]
    assert listener["SslPolicy"] == "ELBSecurityPolicy-2016-08"
    assert listener["Certificates"] == [{"CertificateArn": arn}]
    assert acm.describe_certificate(CertificateArn=arn)["Certificate"]["InUseBy"] == [balancer]
    assert refused(acm.delete_certificate, CertificateArn=arn) == (
        "ResourceInUseException",
        f"Certificate {arn} in account 123456789012 is in use.",
    )
    more = bring(acm, make("more.example"))
    named = {"ListenerArn": listener["ListenerArn"]}
    elb.add_listener_certificates(Certificates=[{"CertificateArn": more}], **named)
    found = elb.describe_listener_certificates(**named)["Certificates"]
    assert found == [
        {"CertificateArn": arn, "IsDefault": True},
        {"CertificateArn": more, "IsDefault": False},
    ]
    assert refused(elb.remove_listener_certificates, Certificates=[{"CertificateArn": arn}], **named)[0] == (
        "OperationNotPermitted"
    )
    elb.modify_listener(Protocol="HTTP", Port=80, **named)
    assert refused(elb.describe_listener_certificates, **named)[0] == "InvalidConfigurationRequest"
    acm.delete_certificate(CertificateArn=arn)
    assert refused(acm.describe_certificate, CertificateArn=arn) == (
        "ResourceNotFoundException",
        f"Could not find certificate {arn}.",
    )


def test_tags(acm: Any, web: Made) -> None:
    arn = bring(acm, web)
    acm.add_tags_to_certificate(
        CertificateArn=arn, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]
    )
    acm.remove_tags_from_certificate(CertificateArn=arn, Tags=[{"Key": "a", "Value": "9"}, {"Key": "b"}])
    assert acm.list_tags_for_certificate(CertificateArn=arn)["Tags"] == [{"Key": "a", "Value": "1"}]
    assert refused(acm.add_tags_to_certificate, CertificateArn=MISSING, Tags=[{"Key": "a"}])[0] == (
        "ResourceNotFoundException"
    )


def test_an_imported_one_is_not_exported(acm: Any, web: Made) -> None:
    arn = bring(acm, web)
    assert refused(acm.export_certificate, CertificateArn=arn, Passphrase=b"secret") == (
        "ValidationException",
        f"Certificate ARN: {arn} is not a private certificate",
    )


def test_acm_issues_none_itself(acm: Any) -> None:
    assert refused(acm.request_certificate, DomainName="example.com")[0] == "NotImplemented"
