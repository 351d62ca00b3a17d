"""What the store refuses."""


class StoreError(Exception):
    """A request the store cannot fulfil."""


class NotFound(StoreError):
    """No document of that kind and id."""

    def __init__(self, kind: str, id: str) -> None:
        super().__init__(f"{kind} {id} does not exist")
        self.kind = kind
        self.id = id


class Conflict(StoreError):
    """The document was changed (or made, or removed) by somebody else since it was read."""


class Busy(StoreError):
    """Another process holds the store."""
