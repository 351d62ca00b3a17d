"""Which condition keys a document asks about, in its conditions and in its variables."""

import re
from collections.abc import Iterator

from seawall.iam.policy.document import Document, Statement

_VARIABLE = re.compile(r"\$\{\s*([A-Za-z0-9-]+:[^},\s]+)[^}]*\}")


def keys_of(document: Document) -> frozenset[str]:
    """The keys as written, e.g. "aws:SourceIp"."""
    return frozenset(key for statement in document.statements for key in _keys(statement))


def _keys(statement: Statement) -> Iterator[str]:
    for condition in statement.conditions:
        yield condition.key
    if statement.variables:
        texts = [*(statement.resources or ()), *(statement.not_resources or ())]
        texts += [value for condition in statement.conditions for value in condition.values]
        for text in texts:
            yield from _VARIABLE.findall(text)
