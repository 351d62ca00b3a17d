"""Namespaces, services and instances of Cloud Map, and the records they make in Route 53."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def cloud_map(aws: Callable[..., Any]) -> Any:
    return aws("servicediscovery")


@pytest.fixture
def vpc(aws: Callable[..., Any]) -> str:
    return str(aws("ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"])


def refused(call: Any, **members: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**members)
    error = caught.value.response["Error"]
    return str(error["Code"]), str(error["Message"])


def target(client: Any, answer: Any, kind: str) -> str:
    operation = client.get_operation(OperationId=answer["OperationId"])["Operation"]
    assert operation["Status"] == "SUCCESS"
    return str(operation["Targets"][kind])


@pytest.fixture
def namespace(cloud_map: Any, vpc: str) -> str:
    made = cloud_map.create_private_dns_namespace(Name="corp.internal", Vpc=vpc)
    return target(cloud_map, made, "NAMESPACE")


def service(client: Any, namespace: str, name: str, *types: str, **more: Any) -> str:
    config = {"DnsRecords": [{"Type": type, "TTL": 10} for type in types]} | more.pop("dns", {})
    made = client.create_service(Name=name, NamespaceId=namespace, DnsConfig=config, **more)
    return str(made["Service"]["Id"])


def register(client: Any, service_id: str, instance: str, **attributes: str) -> None:
    client.register_instance(ServiceId=service_id, InstanceId=instance, Attributes=attributes)


def records(aws: Any, client: Any, namespace: str) -> dict[tuple[str, str, str], list[str]]:
    properties = client.get_namespace(Id=namespace)["Namespace"]["Properties"]
    zone = properties["DnsProperties"]["HostedZoneId"]
    found = aws("route53").list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    return {
        (record["Name"], record["Type"], record.get("SetIdentifier", "")): [
            value["Value"] for value in record["ResourceRecords"]
        ]
        for record in found
        if record["Type"] not in ("SOA", "NS")
    }


def test_instances_are_records_in_the_zone_of_their_namespace(
    aws: Any, cloud_map: Any, namespace: str
) -> None:
    web = service(cloud_map, namespace, "web", "A")
    register(cloud_map, web, "one", AWS_INSTANCE_IPV4="10.0.0.5", version="1")
    register(cloud_map, web, "two", AWS_INSTANCE_IPV4="10.0.0.6")
    assert records(aws, cloud_map, namespace) == {
        ("web.corp.internal.", "A", "one"): ["10.0.0.5"],
        ("web.corp.internal.", "A", "two"): ["10.0.0.6"],
    }
    cloud_map.deregister_instance(ServiceId=web, InstanceId="one")
    assert records(aws, cloud_map, namespace) == {("web.corp.internal.", "A", "two"): ["10.0.0.6"]}
    assert refused(cloud_map.deregister_instance, ServiceId=web, InstanceId="one")[0] == "InstanceNotFound"


def test_srv_records_name_a_host_of_the_instance(aws: Any, cloud_map: Any, namespace: str) -> None:
    api = service(cloud_map, namespace, "api", "SRV")
    assert refused(
        cloud_map.register_instance,
        ServiceId=api,
        InstanceId="t1",
        Attributes={"AWS_INSTANCE_IPV4": "10.0.0.7"},
    ) == ("InvalidInput", "Required attribute(s) AWS_INSTANCE_PORT are missing.")
    register(cloud_map, api, "t1", AWS_INSTANCE_IPV4="10.0.0.7", AWS_INSTANCE_PORT="8080")
    assert records(aws, cloud_map, namespace) == {
        ("api.corp.internal.", "SRV", "t1"): ["1 1 8080 t1.api.corp.internal."],
        ("t1.api.corp.internal.", "A", ""): ["10.0.0.7"],
    }


def test_unhealthy_instances_are_not_found_unless_all_are(aws: Any, cloud_map: Any, namespace: str) -> None:
    web = service(cloud_map, namespace, "web", "A", HealthCheckCustomConfig={"FailureThreshold": 1})
    register(cloud_map, web, "one", AWS_INSTANCE_IPV4="10.0.0.5")
    register(cloud_map, web, "two", AWS_INSTANCE_IPV4="10.0.0.6", AWS_INIT_HEALTH_STATUS="UNHEALTHY")

    def found(**more: Any) -> set[str]:
        answer = cloud_map.discover_instances(NamespaceName="corp.internal", ServiceName="web", **more)
        return {instance["InstanceId"] for instance in answer["Instances"]}

    assert found() == {"one"} and found(HealthStatus="ALL") == {"one", "two"}
    assert {name[2] for name in records(aws, cloud_map, namespace)} == {"one"}
    before = cloud_map.discover_instances_revision(NamespaceName="corp.internal", ServiceName="web")
    cloud_map.update_instance_custom_health_status(ServiceId=web, InstanceId="one", Status="UNHEALTHY")
    after = cloud_map.discover_instances_revision(NamespaceName="corp.internal", ServiceName="web")
    assert after["InstancesRevision"] > before["InstancesRevision"]
    assert found() == {"one", "two"} and found(HealthStatus="HEALTHY") == set()
    assert {name[2] for name in records(aws, cloud_map, namespace)} == {"one", "two"}
    status = cloud_map.get_instances_health_status(ServiceId=web)["Status"]
    assert status == {"one": "UNHEALTHY", "two": "UNHEALTHY"}


def test_discovery_by_attributes(cloud_map: Any, namespace: str) -> None:
    web = service(cloud_map, namespace, "web", "A")
    for id, version, zone in (("a", "1", "x"), ("b", "2", "x"), ("c", "2", "y")):
        register(cloud_map, web, id, AWS_INSTANCE_IPV4="10.0.0.5", version=version, zone=zone)

    def found(**more: Any) -> set[str]:
        answer = cloud_map.discover_instances(NamespaceName="corp.internal", ServiceName="web", **more)
        return {instance["InstanceId"] for instance in answer["Instances"]}

    assert found(QueryParameters={"version": "2"}) == {"b", "c"}
    assert found(QueryParameters={"version": "2"}, OptionalParameters={"zone": "y"}) == {"c"}
    assert found(QueryParameters={"version": "2"}, OptionalParameters={"zone": "z"}) == {"b", "c"}
    assert len(found(MaxResults=1)) == 1


def test_a_namespace_has_a_zone_that_only_cloud_map_changes(
    aws: Any, cloud_map: Any, namespace: str, vpc: str
) -> None:
    zone = cloud_map.get_namespace(Id=namespace)["Namespace"]["Properties"]["DnsProperties"]["HostedZoneId"]
    route53 = aws("route53")
    described = route53.get_hosted_zone(Id=zone)
    assert described["VPCs"] == [{"VPCRegion": "us-east-1", "VPCId": vpc}]
    assert described["HostedZone"]["LinkedService"]["ServicePrincipal"] == "servicediscovery.amazonaws.com"
    code, text = refused(route53.delete_hosted_zone, Id=zone)
    assert code == "AccessDenied" and "can only be managed through AWS Cloud Map" in text
    record = {"Name": "x.corp.internal", "Type": "A", "TTL": 1, "ResourceRecords": [{"Value": "10.0.0.1"}]}
    change = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
    refusal = refused(route53.change_resource_record_sets, HostedZoneId=zone, ChangeBatch=change)
    assert refusal[0] == "AccessDenied"
    web = service(cloud_map, namespace, "web", "A")
    assert refused(cloud_map.delete_namespace, Id=namespace)[0] == "ResourceInUse"
    cloud_map.delete_service(Id=web)
    cloud_map.delete_namespace(Id=namespace)
    assert refused(route53.get_hosted_zone, Id=zone)[0] == "NoSuchHostedZone"


def test_names_are_taken_once(cloud_map: Any, namespace: str, vpc: str) -> None:
    refusal = refused(cloud_map.create_private_dns_namespace, Name="corp.internal", Vpc=vpc)
    assert refusal[0] == "NamespaceAlreadyExists"
    service(cloud_map, namespace, "web", "A")
    refusal = refused(cloud_map.create_service, Name="WEB", NamespaceId=namespace)
    assert refusal[0] == "ServiceAlreadyExists"
    assert refused(cloud_map.create_service, Name="x", NamespaceId="ns-none")[0] == "NamespaceNotFound"


@pytest.mark.parametrize("types", [("A", "SRV"), ("SRV", "CNAME"), ("A", "A"), ("CNAME",)])
def test_records_go_together_as_documented(cloud_map: Any, namespace: str, types: tuple[str, ...]) -> None:
    config = {"DnsRecords": [{"Type": type, "TTL": 10} for type in types]}
    refusal = refused(cloud_map.create_service, Name="x", NamespaceId=namespace, DnsConfig=config)
    assert refusal[0] == "InvalidInput"
    assert cloud_map.list_services()["Services"] == []


def test_a_namespace_for_the_api_alone(cloud_map: Any) -> None:
    made = cloud_map.create_http_namespace(Name="flat", Tags=[{"Key": "team", "Value": "a"}])
    namespace = target(cloud_map, made, "NAMESPACE")
    described = cloud_map.get_namespace(Id=namespace)["Namespace"]
    assert described["Properties"] == {"HttpProperties": {"HttpName": "flat"}}
    made = cloud_map.create_service(Name="queue", NamespaceId=namespace)["Service"]
    register(cloud_map, made["Id"], "q", url="https://example.com/q")
    found = cloud_map.discover_instances(NamespaceName="flat", ServiceName="queue")["Instances"]
    assert found[0]["Attributes"] == {"url": "https://example.com/q"}
    config = {"DnsRecords": [{"Type": "A", "TTL": 10}]}
    refusal = refused(cloud_map.create_service, Name="x", NamespaceId=namespace, DnsConfig=config)
    assert refusal[0] == "InvalidInput"
    tags = cloud_map.list_tags_for_resource(ResourceARN=described["Arn"])["Tags"]
    assert tags == [{"Key": "team", "Value": "a"}]
    cloud_map.tag_resource(ResourceARN=described["Arn"], Tags=[{"Key": "b", "Value": "c"}])
    cloud_map.untag_resource(ResourceARN=described["Arn"], TagKeys=["team"])
    tags = cloud_map.list_tags_for_resource(ResourceARN=described["Arn"])["Tags"]
    assert tags == [{"Key": "b", "Value": "c"}]
    unknown = described["Arn"].replace("ns-", "ns-x")
    assert refused(cloud_map.list_tags_for_resource, ResourceARN=unknown)[0] == "ResourceNotFoundException"
    kinds = [{"Name": "TYPE", "Values": ["DNS_PRIVATE"]}]
    assert cloud_map.list_namespaces(Filters=kinds)["Namespaces"] == []
    found = cloud_map.list_services(Filters=[{"Name": "NAMESPACE_ID", "Values": [described["Arn"]]}])
    assert [each["Name"] for each in found["Services"]] == ["queue"]


def test_a_ttl_can_be_changed_but_not_a_type(aws: Any, cloud_map: Any, namespace: str) -> None:
    web = service(cloud_map, namespace, "web", "A")
    other = {"DnsConfig": {"DnsRecords": [{"Type": "SRV", "TTL": 5}]}}
    assert refused(cloud_map.update_service, Id=web, Service=other)[0] == "InvalidInput"
    cloud_map.update_service(Id=web, Service={"DnsConfig": {"DnsRecords": [{"Type": "A", "TTL": 5}]}})
    described = cloud_map.get_service(Id=web)["Service"]["DnsConfig"]
    assert described["DnsRecords"] == [{"Type": "A", "TTL": 5}]


@pytest.mark.parametrize(
    ("types", "attributes", "text"),
    [
        (("A",), {}, "Required attribute(s) AWS_INSTANCE_IPV4 are missing."),
        (
            ("AAAA",),
            {"AWS_INSTANCE_IPV4": "10.0.0.1"},
            "Required attribute(s) AWS_INSTANCE_IPV6 are missing.",
        ),
        (("SRV",), {"AWS_INSTANCE_IPV4": "10.0.0.1"}, "Required attribute(s) AWS_INSTANCE_PORT are missing."),
        (
            ("SRV",),
            {"AWS_INSTANCE_PORT": "80"},
            "At least one of AWS_INSTANCE_IPV4 AWS_INSTANCE_IPV6 is required.",
        ),
        (
            ("A",),
            {"AWS_ALIAS_DNS_NAME": "web.elb.example"},
            "ALIAS instance can be registered only in services with WEIGHTED routing policy",
        ),
        (
            ("A",),
            {"AWS_INSTANCE_IPV4": "10.0.0.1", "AWS_MINE": "x"},
            "Invalid attribute: [AWS_MINE]. [aws_] prefix is reserved for AWS attributes.",
        ),
        (
            ("A",),
            {"AWS_INSTANCE_IPV4": "10.0.0.1", "AWS_INIT_HEALTH_STATUS": "SICK"},
            "No enum constant com.amazon.route53.autonaming.model.InitHealthStatus.SICK",
        ),
        (
            ("A",),
            {"AWS_INSTANCE_IPV4": "10.0.0.1", **{f"a{number}": "x" for number in range(31)}},
            f"Too many attributes provided: [{', '.join(f'a{number}' for number in range(31))}]. The current"
            " limit is 30",
        ),
        (
            ("A",),
            {"AWS_INSTANCE_IPV4": "10.0.0.1", **{f"a{number}": "x" * 1000 for number in range(5)}},
            "Instance attributes too large. Maximum allowed size of all attributes is 5000 characters.",
        ),
    ],
)
def test_what_an_instance_may_not_be(
    cloud_map: Any, namespace: str, types: tuple[str, ...], attributes: dict[str, str], text: str
) -> None:
    web = service(cloud_map, namespace, "web", *types)
    members = {"ServiceId": web, "InstanceId": "i", "Attributes": attributes}
    assert refused(cloud_map.register_instance, **members) == ("InvalidInput", text)
