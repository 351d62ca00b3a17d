"""Values that containers are given as variables, out of Secrets Manager and Parameter Store.

They are fetched once, when a task starts, over the interface that the platform version says.  The words of
failures are those of the agent on Fargate, from behind "service call has been retried N time(s): ".
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from seawall.host.aws_call import AwsRefused, AwsService, call
from seawall.host.failure import FailedStep
from seawall.host.namespace_http import NamespaceHttp, RequestFailed
from seawall.program.report import Failure
from seawall.program.task import SecretSource

RETRIES = 1
TARGETS = {"secretsmanager": "secretsmanager", "ssm": "AmazonSSM"}
MOST_PARAMETERS = 10  # in one GetParameters


class Secrets:
    """What has been fetched for one task: the same value for all of its containers that want it."""

    def __init__(
        self,
        http: NamespaceHttp,
        namespace: str | None,
        nameservers: Sequence[str],
        *,
        retries: int = RETRIES,
    ) -> None:
        self._http = http
        self._namespace = namespace
        self._nameservers = nameservers
        self._retries = retries
        self._texts: dict[SecretSource, str] = {}

    async def fetch(self, wanted: Iterable[SecretSource]) -> Mapping[SecretSource, str]:
        """The value of each.  Raises FailedStep ("secrets")."""
        asked = list(dict.fromkeys(wanted))
        whole = dict.fromkeys(_whole(source) for source in asked)
        missing = [source for source in whole if source not in self._texts]
        await self._fetch_parameters([s for s in missing if s.service == "ssm"])
        for source in missing:
            if source.service == "secretsmanager":
                self._texts[source] = await self._fetch_secret(source)
        return {source: _member(source, self._texts[_whole(source)]) for source in asked}

    async def _fetch_secret(self, source: SecretSource) -> str:
        members = {
            "SecretId": source.id,
            "VersionId": source.version_id,
            "VersionStage": source.version_stage,
        }
        given = {name: value for name, value in members.items() if value}
        said = f"failed to fetch secret {source.id} from secrets manager: "
        answer = await self._ask(source, "GetSecretValue", given, said)
        text = answer.get("SecretString")
        if not isinstance(text, str):
            raise _failed(source, "other", f"{said}the secret holds no text", 1)
        return text

    async def _fetch_parameters(self, sources: Sequence[SecretSource]) -> None:
        """Those of one region and one role together."""
        groups: dict[Any, list[SecretSource]] = {}
        for source in sources:
            groups.setdefault((source.endpoint, source.credentials), []).append(source)
        for group in groups.values():
            for start in range(0, len(group), MOST_PARAMETERS):
                await self._fetch_batch(group[start : start + MOST_PARAMETERS])

    async def _fetch_batch(self, batch: Sequence[SecretSource]) -> None:
        names = [source.id for source in batch]
        answer = await self._ask(batch[0], "GetParameters", {"Names": names, "WithDecryption": True}, "")
        found: dict[str, str] = {}
        for parameter in answer.get("Parameters") or ():
            for key in ("Name", "ARN"):
                found[str(parameter.get(key))] = str(parameter.get("Value", ""))
                if parameter.get("Selector"):
                    found[f"{parameter.get(key)}{parameter['Selector']}"] = str(parameter.get("Value", ""))
        invalid = [name for name in names if name not in found]
        if invalid:
            raise _failed(batch[0], "not_found", f"invalid ssm parameters: {', '.join(invalid)}", 1)
        self._texts.update((source, found[source.id]) for source in batch)

    async def _ask(
        self, source: SecretSource, operation: str, members: Mapping[str, Any], said: str
    ) -> dict[str, Any]:
        """One call, tried again where the network failed.  Raises FailedStep."""
        service = AwsService(
            name=source.service,
            target=TARGETS[source.service],
            endpoint=source.endpoint,
            region=source.region,
            credentials=source.credentials,
        )
        for tried in range(1, self._retries + 2):
            try:
                return await call(self._http, self._namespace, self._nameservers, service, operation, members)
            except AwsRefused as refused:
                raise _failed(source, refused.cause, f"{said}{refused}", tried) from None
            except RequestFailed as error:
                if tried > self._retries:
                    text = f"{said}RequestError: send request failed caused by: Post {error.text}"
                    raise _failed(source, error.cause, text, tried, error.address) from None
        raise AssertionError("unreachable")


def _whole(source: SecretSource) -> SecretSource:
    """The source without the member that is wanted of it: several members are of one value."""
    return msgspec.structs.replace(source, json_key=None)


def _member(source: SecretSource, text: str) -> str:
    """What a source says is wanted of the whole text.  Raises FailedStep."""
    if source.json_key is None:
        return text
    try:
        members = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        first = text.strip()[:1] or "EOF"
        words = f"invalid character '{first}' looking for beginning of value"
        raise _failed(source, "other", words, 1) from None
    if not isinstance(members, dict) or source.json_key not in members:
        words = f"retrieved secret from Secrets Manager did not contain json key {source.json_key}"
        raise _failed(source, "not_found", words, 1)
    value = members[source.json_key]
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _failed(
    source: SecretSource, cause: str, text: str, tried: int, address: str | None = None
) -> FailedStep:
    return FailedStep(
        Failure(
            step="secrets",
            cause=cause,
            text=text,
            url=f"https://{source.endpoint}/",
            address=address,
            attempts=tried,
        )
    )
