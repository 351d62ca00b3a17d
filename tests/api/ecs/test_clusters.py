"""Clusters through boto3."""

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from seawall.model.cluster import Cluster
from seawall.model.task import Task
from seawall.store.store import Store

ARN = "arn:aws:ecs:us-east-1:123456789012:cluster/"
Refused = Callable[..., tuple[str, str]]


def test_a_cluster_without_a_name_is_the_default_one(ecs: Any) -> None:
    made = ecs.create_cluster()["cluster"]
    assert made["clusterArn"] == f"{ARN}default"
    assert made["status"] == "ACTIVE"
    assert made["settings"] == [{"name": "containerInsights", "value": "disabled"}]
    assert made["runningTasksCount"] == made["pendingTasksCount"] == 0


def test_creating_it_again_gives_the_same_cluster(ecs: Any, store: Store) -> None:
    ecs.create_cluster(clusterName="c", tags=[{"key": "a", "value": "b"}])
    assert ecs.create_cluster(clusterName="c")["cluster"]["tags"] == [{"key": "a", "value": "b"}]
    assert len(store.all(Cluster)) == 1


def test_creating_it_again_otherwise_is_refused(ecs: Any, refused: Refused) -> None:
    ecs.create_cluster(clusterName="c")
    assert refused(ecs.create_cluster, clusterName="c", tags=[{"key": "a", "value": "b"}]) == (
        "InvalidParameterException",
        "Arguments on this idempotent request are inconsistent with arguments used in previous request(s).",
    )


@pytest.mark.parametrize("name", ["with space", "dot.ted", "x" * 256])
def test_names_that_are_none(ecs: Any, refused: Refused, name: str) -> None:
    assert refused(ecs.create_cluster, clusterName=name) == (
        "InvalidParameterException",
        f"Cluster must match ^[a-zA-Z0-9\\-_]{{1,255}}$, but was {name}",
    )


def test_lists_are_filled_only_when_asked_for(ecs: Any) -> None:
    ecs.create_cluster(clusterName="c", tags=[{"key": "a", "value": "b"}])
    (plain,) = ecs.describe_clusters(clusters=["c"])["clusters"]
    assert plain["settings"] == plain["tags"] == plain["statistics"] == []
    (full,) = ecs.describe_clusters(clusters=[f"{ARN}c"], include=["SETTINGS", "TAGS", "STATISTICS"])[
        "clusters"
    ]
    assert full["settings"] and full["tags"]
    assert {"name": "runningFargateTasksCount", "value": "0"} in full["statistics"]


def test_unknown_clusters_are_failures_not_errors(ecs: Any) -> None:
    ecs.create_cluster(clusterName="c")
    answer = ecs.describe_clusters(clusters=["c", "nowhere"])
    assert [cluster["clusterName"] for cluster in answer["clusters"]] == ["c"]
    assert answer["failures"] == [{"arn": f"{ARN}nowhere", "reason": "MISSING"}]


def test_clusters_are_listed_in_pages(ecs: Any) -> None:
    for name in ("a", "b", "c"):
        ecs.create_cluster(clusterName=name)
    ecs.delete_cluster(cluster="b")
    first = ecs.list_clusters(maxResults=1)
    second = ecs.list_clusters(maxResults=1, nextToken=first["nextToken"])
    assert first["clusterArns"] + second["clusterArns"] == [f"{ARN}a", f"{ARN}c"]
    assert "nextToken" not in second


def test_a_deleted_cluster_is_inactive_and_comes_back_new(ecs: Any, refused: Refused) -> None:
    ecs.create_cluster(clusterName="c", tags=[{"key": "a", "value": "b"}])
    assert ecs.delete_cluster(cluster="c")["cluster"]["status"] == "INACTIVE"
    assert ecs.describe_clusters(clusters=["c"])["clusters"][0]["status"] == "INACTIVE"
    code, text = refused(ecs.put_cluster_capacity_providers, **providers("c"))
    gone = ("ClusterNotFoundException", "The referenced cluster was inactive.")
    assert (code, text) == gone
    assert refused(ecs.update_service, cluster="c", service="web") == gone
    made = ecs.create_cluster(clusterName="c")["cluster"]
    assert (made["status"], made["tags"]) == ("ACTIVE", [])


def test_a_cluster_with_tasks_stays(
    ecs: Any, run: Callable[..., Any], store: Store, refused: Refused
) -> None:
    task_id = run()["tasks"][0]["taskArn"].rsplit("/", 1)[-1]
    assert refused(ecs.delete_cluster, cluster="default") == (
        "ClusterContainsTasksException",
        "The Cluster cannot be deleted while Tasks are active.",
    )
    with store.write() as txn:
        txn.put(replace(store.get(Task, task_id), last_status="STOPPED"))
    assert ecs.delete_cluster(cluster="default")["cluster"]["status"] == "INACTIVE"


def test_deleting_what_is_not_there(ecs: Any, refused: Refused) -> None:
    assert refused(ecs.delete_cluster, cluster="c") == ("ClusterNotFoundException", "Cluster not found.")


def test_tasks_are_counted(ecs: Any, run: Callable[..., Any], store: Store) -> None:
    tasks = run(count=3)["tasks"]
    with store.write() as txn:
        task = store.get(Task, tasks[0]["taskArn"].rsplit("/", 1)[-1])
        txn.put(replace(task, last_status="RUNNING"))
    (cluster,) = ecs.describe_clusters(include=["STATISTICS"])["clusters"]
    assert (cluster["runningTasksCount"], cluster["pendingTasksCount"]) == (1, 2)
    assert {"name": "pendingFargateTasksCount", "value": "2"} in cluster["statistics"]


def providers(cluster: str, *names: str, **weights: int) -> dict[str, Any]:
    return {
        "cluster": cluster,
        "capacityProviders": list(names),
        "defaultCapacityProviderStrategy": [
            {"capacityProvider": name, "weight": weight} for name, weight in weights.items()
        ],
    }


def test_capacity_providers(ecs: Any) -> None:
    ecs.create_cluster(clusterName="c")
    ecs.put_cluster_capacity_providers(**providers("c", "FARGATE", "FARGATE_SPOT", FARGATE_SPOT=2))
    (cluster,) = ecs.describe_clusters(clusters=["c"])["clusters"]
    assert cluster["capacityProviders"] == ["FARGATE", "FARGATE_SPOT"]
    assert cluster["defaultCapacityProviderStrategy"] == [
        {"capacityProvider": "FARGATE_SPOT", "weight": 2, "base": 0}
    ]


def test_unknown_capacity_provider(ecs: Any, refused: Refused) -> None:
    ecs.create_cluster(clusterName="c")
    assert refused(ecs.put_cluster_capacity_providers, **providers("c", "mine")) == (
        "InvalidParameterException",
        "The specified capacity provider 'mine' was not found.",
    )


def test_a_strategy_of_others_is_refused(ecs: Any, refused: Refused) -> None:
    ecs.create_cluster(clusterName="c")
    code, text = refused(ecs.put_cluster_capacity_providers, **providers("c", "FARGATE", FARGATE_SPOT=1))
    assert code == "InvalidParameterException"
    assert text.startswith("The specified capacity provider strategy cannot contain a capacity provider")


def test_settings_are_kept(ecs: Any) -> None:
    ecs.create_cluster(clusterName="c")
    setting = {"name": "containerInsights", "value": "enhanced"}
    ecs.update_cluster_settings(cluster="c", settings=[setting])
    logs = {"logging": "OVERRIDE", "logConfiguration": {"cloudWatchLogGroupName": "exec"}}
    ecs.update_cluster(cluster="c", configuration={"executeCommandConfiguration": logs})
    (cluster,) = ecs.describe_clusters(clusters=["c"], include=["SETTINGS", "CONFIGURATIONS"])["clusters"]
    assert cluster["settings"] == [setting]
    assert cluster["configuration"] == {"executeCommandConfiguration": logs}


def test_exec_logs_need_a_target(ecs: Any, refused: Refused) -> None:
    ecs.create_cluster(clusterName="c")
    configuration = {"executeCommandConfiguration": {"logging": "OVERRIDE"}}
    assert refused(ecs.update_cluster, cluster="c", configuration=configuration) == (
        "InvalidParameterException",
        "A CloudWatch log group name or S3 bucket name must be specified when overriding the default log"
        " configuration",
    )


def test_there_are_no_container_instances(ecs: Any) -> None:
    ecs.create_cluster()
    assert ecs.list_container_instances()["containerInstanceArns"] == []
    answer = ecs.describe_container_instances(containerInstances=["abc"])
    assert answer["containerInstances"] == []
    assert [failure["reason"] for failure in answer["failures"]] == ["MISSING"]


def test_an_arn_of_another_account(ecs: Any, refused: Refused) -> None:
    arn = "arn:aws:ecs:us-east-1:999999999999:cluster/default"
    assert refused(ecs.list_tasks, cluster=arn) == ("InvalidParameterException", "AccountIDs mismatch")


def test_account_settings(ecs: Any, refused: Refused) -> None:
    ecs.put_account_setting_default(name="containerInsights", value="enabled")
    effective = ecs.list_account_settings(name="containerInsights", effectiveSettings=True)["settings"]
    assert [setting["value"] for setting in effective] == ["enabled"]
    assert ecs.list_account_settings(name="containerInsights")["settings"] == []
    ecs.put_account_setting(name="containerInsights", value="enhanced")
    (own,) = ecs.list_account_settings(name="containerInsights")["settings"]
    assert (own["value"], own["type"]) == ("enhanced", "user")
    assert ecs.delete_account_setting(name="containerInsights")["setting"]["value"] == "enabled"
    code, _ = refused(ecs.put_account_setting, name="containerInsights", value="loud")
    assert code == "InvalidParameterException"


def test_tags(ecs: Any, run: Callable[..., Any], refused: Refused) -> None:
    task = run()["tasks"][0]["taskArn"]
    definition = "arn:aws:ecs:us-east-1:123456789012:task-definition/myapp:1"
    for arn in (f"{ARN}default", task, definition):
        ecs.tag_resource(resourceArn=arn, tags=[{"key": "a", "value": "1"}, {"key": "b", "value": "2"}])
        ecs.untag_resource(resourceArn=arn, tagKeys=["a"])
        assert ecs.list_tags_for_resource(resourceArn=arn)["tags"] == [{"key": "b", "value": "2"}]
    many = [{"key": str(number), "value": ""} for number in range(50)]
    assert refused(ecs.tag_resource, resourceArn=task, tags=many)[0] == "InvalidParameterException"
    reserved = [{"key": "aws:x", "value": ""}]
    assert refused(ecs.tag_resource, resourceArn=task, tags=reserved)[0] == "InvalidParameterException"
    assert refused(ecs.list_tags_for_resource, resourceArn="nonsense") == (
        "InvalidParameterException",
        "The ARN provided is invalid.",
    )
    gone = f"{ARN}gone"
    assert refused(ecs.list_tags_for_resource, resourceArn=gone)[0] == "ClusterNotFoundException"
