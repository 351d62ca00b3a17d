"""The alarms that watch over a deployment: which count, which went off, how long its tasks have to stand.

Source: "How CloudWatch alarms detect Amazon ECS deployment failures" of the developer guide: an alarm that is
in ALARM when a deployment begins does not count for it, watching begins with the first task that runs, and
after the last one ECS watches for a time that follows from the alarms (the bake time) before it forgets the
deployment before.  How long, AWS does not tell; here it is what the slowest alarm needs to notice.
"""

from datetime import datetime, timedelta

from seawall.compile.service.situation import Situation
from seawall.model.alarm import MetricAlarm
from seawall.model.service import Service

LOOKED_AT_EVERY = timedelta(minutes=1)  # an alarm


def alarm_names(service: Service) -> tuple[str, ...]:
    """Of those that are to watch over deployments; none where that is switched off."""
    alarms = service.deployment_configuration.alarms
    return tuple(alarms["alarmNames"]) if alarms and alarms["enable"] else ()


def in_alarm(situation: Situation) -> tuple[str, ...]:
    """Those that are in ALARM now, in the order in which they were given."""
    named = alarm_names(situation.service)
    return tuple(n for n in named if n in situation.alarms and situation.alarms[n].state == "ALARM")


def went_off(situation: Situation) -> tuple[str, ...]:
    """Those that end the newest deployment."""
    primary = situation.service.primary
    began = any(t.deployment_id == primary.id and t.started_at is not None for t in situation.tasks)
    if not began or not primary.announced:
        return ()
    return tuple(name for name in in_alarm(situation) if name not in primary.ignored_alarms)


def baked_at(situation: Situation) -> datetime | None:
    """When the newest deployment, whose tasks stand, has been watched long enough; None: nobody watches."""
    primary = situation.service.primary
    watching = [
        situation.alarms[name]
        for name in alarm_names(situation.service)
        if name in situation.alarms and name not in primary.ignored_alarms
    ]
    if not watching:
        return None
    return (primary.baking_since or situation.now) + max(map(_notices_within, watching))


def _notices_within(alarm: MetricAlarm) -> timedelta:
    return timedelta(seconds=alarm.period * alarm.evaluation_periods) + LOOKED_AT_EVERY
