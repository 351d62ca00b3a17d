"""Files of variables out of S3: fetched when a task starts, over its own interface, and read.

Source: developer guide, "Pass environment variables to an Amazon ECS container": lines NAME=VALUE, taken as
they are; a line that begins with # is a comment; the first file that names a variable decides.
"""

from collections.abc import Mapping, Sequence
from urllib.parse import quote
from xml.etree import ElementTree

from seawall.host.failure import FailedStep
from seawall.host.namespace_http import HttpAnswer, NamespaceHttp, RequestFailed
from seawall.host.signature import signed
from seawall.program.report import Failure
from seawall.program.task import ObjectSource

RETRIES = 1
HEAD = "file download command: non empty error stream: "


async def fetch_environment(
    http: NamespaceHttp,
    namespace: str | None,
    nameservers: Sequence[str],
    sources: Sequence[ObjectSource],
    *,
    retries: int = RETRIES,
) -> Mapping[str, str]:
    """The variables of all the files.  Raises FailedStep ("environment_files")."""
    variables: dict[str, str] = {}
    for source in sources:
        body = await _fetch(http, namespace, nameservers, source, retries)
        variables = {**read_variables(body.decode("utf-8", "replace")), **variables}
    return variables


def read_variables(text: str) -> dict[str, str]:
    """Values are taken literally: no quotes, no escapes, no expansion."""
    variables: dict[str, str] = {}
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if equals and name.strip() and not line.lstrip().startswith("#"):
            variables[name.strip()] = value.strip()
    return variables


async def _fetch(
    http: NamespaceHttp,
    namespace: str | None,
    nameservers: Sequence[str],
    source: ObjectSource,
    retries: int,
) -> bytes:
    key = quote(source.key, safe="/~")
    dotted = "." in source.bucket  # then no certificate covers the name that has it
    host = source.endpoint if dotted else f"{source.bucket}.{source.endpoint}"
    url = f"https://{host}/{source.bucket}/{key}" if dotted else f"https://{host}/{key}"
    for tried in range(1, retries + 2):
        fields: dict[str, str] = {}
        if source.credentials is not None:
            fields = signed(source.credentials, "s3", source.region, "GET", url, {})
        try:
            answer = await http.request(namespace, nameservers, "GET", url, fields)
        except RequestFailed as error:
            if tried > retries:
                text = f"{HEAD}RequestError: send request failed caused by: Get {error.text}"
                raise _failed(url, error.cause, text, tried, error.address) from None
            continue
        if answer.status != 200:
            cause, text = _refusal(answer)
            raise _failed(url, cause, f"{HEAD}{text}", tried)
        return answer.body
    raise AssertionError("unreachable")


def _refusal(answer: HttpAnswer) -> tuple[str, str]:
    """Why S3 said no: the cause as `Failure` has it, and its words."""
    code, message = f"HTTP {answer.status}", ""
    try:
        found = ElementTree.fromstring(answer.body)
        code, message = found.findtext("Code") or code, found.findtext("Message") or ""
    except ElementTree.ParseError:
        pass
    text = f"{code}: {message} status code: {answer.status}"
    if code.startswith("NoSuch"):
        return "not_found", text
    return ("denied" if answer.status in (401, 403) else "other"), text


def _failed(url: str, cause: str, text: str, tried: int, address: str | None = None) -> FailedStep:
    return FailedStep(
        Failure(step="environment_files", cause=cause, text=text, url=url, address=address, attempts=tried)
    )
