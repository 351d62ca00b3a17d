"""A service behind a network load balancer whose clients keep their addresses, asked through an alias."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from tests.e2e.balanced_site import Site
from tests.e2e.harness import WAIT, Seawall, prepare_account


class NetworkSite(Site):
    """Its balancer is a network load balancer with a group; the tasks' group lets in who comes through it."""

    kind, protocol, balancer_name = "network", "TCP", "net"
    target_attributes = {"preserve_client_ip.enabled": "true", "load_balancing.cross_zone.enabled": "true"}

    def asked(self, name: str) -> str:
        """The status that a client on the internet gets; empty where nobody answers."""
        said = self.seawall.internet(
            "curl", "-s", "-m", "2", "-o", "/dev/null", "-w", "%{http_code}", f"http://{name}/"
        )
        return said.stdout.strip().removeprefix("000")

    def alias(self, name: str) -> None:
        r53 = self.seawall.client("route53")
        zone = r53.create_hosted_zone(Name=name, CallerReference="1")["HostedZone"]["Id"]
        target = {"HostedZoneId": self.zone, "DNSName": self.name, "EvaluateTargetHealth": True}
        record: dict[str, Any] = {"Name": name, "Type": "A", "AliasTarget": target}
        change = r53.change_resource_record_sets(
            HostedZoneId=zone,
            ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]},
        )
        r53.get_waiter("resource_record_sets_changed").wait(Id=change["ChangeInfo"]["Id"], WaiterConfig=WAIT)


def test_clients_reach_tasks_under_their_own_addresses(
    another_seawall: Callable[..., AbstractContextManager[Seawall]],
) -> None:
    with another_seawall("--service-healthy-after", "1") as running:
        prepare_account(running)
        _through_an_alias(NetworkSite(running))


def _through_an_alias(site: NetworkSite) -> None:
    site.alias("shop.test")
    site.create("net", 2)
    timed_out = f"is unhealthy in (target-group {site.group}) due to (reason Request timed out)."
    site.until("net", lambda s: any(timed_out in event["message"] for event in s["events"]))
    assert site.asked("shop.test") == ""
    site.admit()
    site.until("net", lambda found: site.states().count("healthy") == 2 and found["runningCount"] == 2)
    site.seawall.settle()  # so that the nodes spread what comes over those, too
    assert [site.asked("shop.test") for _ in range(10)] == ["200"] * 10
    site.ecs.delete_service(service="net", force=True)
