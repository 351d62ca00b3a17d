"""Why a step on the way to a running container did not succeed."""

from seawall.program.report import Failure


class FailedStep(Exception):
    """A container cannot run; `failure` is what the host reports about it."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(f"{failure.step}: {failure.text}")
        self.failure = failure
