"""Access logs of application load balancers, on their way from engines to buckets.

What nodes tell is written down at once (`access_log_spool`).  Every few minutes it becomes gzip objects, if
the bucket's policy allows that at that moment; what is refused is tried again until there is no room for it.
Source: Application Load Balancers user guide, "Access logs".
"""

import asyncio
import logging
import secrets
import sqlite3
import string
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime, timezone
from functools import lru_cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from seawall.api.elbv2.access_log_bucket import Owner, may_write
from seawall.api.s3.delivery import facts_of
from seawall.app.access_log_spool import LogFile, Spool, read_head, write_log
from seawall.compile.balancer.access_log import AccessLogNames, log_key
from seawall.compile.balancer.text import frontend_name
from seawall.controllers.balancer_traffic import node_of
from seawall.controllers.loop import Context
from seawall.model.listener import Certificate, Listener
from seawall.model.load_balancer import LoadBalancer
from seawall.model.network_interface import NetworkInterface
from seawall.program.report import BalancerTraffic
from seawall.store.objects import Objects

log = logging.getLogger("seawall.access_logs")

INTERVAL_S = 300.0
KIND = "application/octet-stream"
_RANDOM = string.ascii_lowercase + string.digits


class AccessLogs:
    """Hears from `listen` on; `run` delivers until it is cancelled, `close` the rest.

    dropped   how many lines of each load balancer were lost, since its engine or the disk had no room
    """

    def __init__(
        self, context: Context, objects: Objects, spool: Spool, interval_s: float = INTERVAL_S
    ) -> None:
        self._context = context
        self._objects = objects
        self._spool = spool
        self._interval = interval_s
        self._full = asyncio.Event()
        self.dropped: Counter[str] = Counter()

    def listen(self) -> None:
        self._context.host.on_traffic(self.hear)

    def hear(self, traffic: BalancerTraffic) -> None:
        """Write down what a node told, if its load balancer's access logs are on."""
        found = node_of(traffic.id, self._context)
        if found is None or found[0].attributes.get("access_logs.s3.enabled") != "true":
            return
        balancer = found[0]
        self._drop(balancer.id, sum(by for *what, by in traffic.counters if what == ["log", "", "dropped"]))
        interface = self._context.store.find(NetworkInterface, traffic.id)
        if interface is None or not traffic.lines:
            return
        try:
            given_up = self._spool.add(traffic.id, self._about(balancer, interface), traffic.lines)
        except OSError as error:
            log.warning("access_log.unwritten", extra={"balancer": balancer.id, "error": str(error)})
            self._drop(balancer.id, len(traffic.lines))
            return
        for path in given_up:
            log.warning("access_log.given_up", extra={"file": path.name, "reason": "too much waits"})
        if not self._spool.grows(traffic.id):
            self._full.set()

    async def run(self) -> None:
        """Deliver at the end of each interval, and what has become large before."""
        while True:
            now = self._context.clock.now().timestamp()
            due = asyncio.ensure_future(self._full.wait())
            await asyncio.wait({due}, timeout=self._interval - now % self._interval)
            due.cancel()
            self._full.clear()
            await self.deliver(self._context.clock.now())

    async def close(self) -> None:
        """Deliver all there is."""
        await self.deliver(None)

    def clear(self) -> None:
        """Forget everything."""
        self._spool.clear()

    async def deliver(self, ended_by: datetime | None) -> None:
        """What of it came in intervals that have ended by then; None: all."""
        self._spool.close(ended_by)
        refused: Counter[str] = Counter()
        for path in self._spool.waiting():
            about = read_head(path)
            if about is None:
                self._spool.remove(path)
            elif self._allowed(about, key := _key(about)):
                await self._write(path, about, key)
            else:
                refused[about.bucket] += 1
        for bucket, files in refused.items():
            log.warning("access_log.refused", extra={"bucket": bucket, "files": files})

    async def _write(self, path: Path, about: LogFile, key: str) -> None:
        target = self._objects.new_file()
        try:
            good, bad = await asyncio.to_thread(write_log, path, target)
            facts = await asyncio.to_thread(facts_of, target, self._context.clock.now(), KIND)
            if not self._allowed(about, key):  # the bucket has just gone
                return
            if good:
                self._objects.put(about.bucket, key, target, facts)
                log.info("access_log.delivered", extra={"bucket": about.bucket, "key": key, "lines": good})
        except (OSError, sqlite3.Error) as error:
            log.warning("access_log.unwritten", extra={"key": key, "error": str(error)})
            return
        finally:
            if self._objects.find(about.bucket, key) is None:
                self._objects.forget_file(target)
        self._drop(about.names.load_balancer_id, bad)
        self._spool.remove(path)

    def _allowed(self, about: LogFile, key: str) -> bool:
        owner = Owner("aws", about.names.account, about.names.region)
        return may_write(self._context.store, owner, about.names.load_balancer_id, about.bucket, key)

    def _drop(self, balancer_id: str, lines: int) -> None:
        if lines:
            self.dropped[balancer_id] += lines
            extra = {"balancer": balancer_id, "lines": lines, "altogether": self.dropped[balancer_id]}
            log.warning("access_log.lines_dropped", extra=extra)

    def _about(self, balancer: LoadBalancer, interface: NetworkInterface) -> LogFile:
        interval = int(self._context.clock.now().timestamp() // self._interval)
        public = interface.association
        listeners = self._context.store.referrers(Listener, balancer.ref)
        return LogFile(
            bucket=balancer.attributes["access_logs.s3.bucket"],
            prefix=balancer.attributes["access_logs.s3.prefix"],
            address=public.public_ip if public else interface.private_ip_address,
            ends=datetime.fromtimestamp((interval + 1) * self._interval, timezone.utc),
            names=AccessLogNames(
                region=self._context.region,
                account=self._context.account,
                load_balancer_id=balancer.id,
                listeners={frontend_name(listener.id): listener for listener in listeners},
                certificates=dict(self._certificates(listeners)),
            ),
        )

    def _certificates(self, listeners: Iterable[Listener]) -> Iterable[tuple[str, str]]:
        for arn in sorted({arn for listener in listeners for arn in listener.certificate_arns}):
            found = self._context.store.find(Certificate, arn.rpartition("/")[2])
            if found is not None:
                yield _sha1(found.certificate), arn


@lru_cache
def _sha1(pem: str) -> str:
    return x509.load_pem_x509_certificate(pem.encode()).fingerprint(hashes.SHA1()).hex().upper()


def _key(about: LogFile, choose: Callable[[str], str] = secrets.choice) -> str:
    random = "".join(choose(_RANDOM) for _ in range(8))
    return log_key(about.names, about.prefix, about.address, about.ends, random)
