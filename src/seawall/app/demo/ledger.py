"""The lines of the demonstration: what was expected, what happened, whether it held."""

import sys
import time
from dataclasses import dataclass, field
from typing import TextIO


@dataclass
class Ledger:
    """Prints each line as it is known, and remembers whether all of them held."""

    out: TextIO = field(default_factory=lambda: sys.stdout)
    began: float = field(default_factory=time.monotonic)
    held: int = 0
    failed: int = 0

    def step(self, text: str) -> None:
        """Something that is being done."""
        print(f"{time.monotonic() - self.began:6.1f}s  ....  {text}", file=self.out, flush=True)

    def note(self, text: str) -> None:
        """Something a reader must know that is neither done nor expected."""
        print(f"         NOTE  {text}", file=self.out, flush=True)

    def line(self, what: str, *, expected: str, happened: str, held: bool) -> None:
        if held:
            self.held += 1
        else:
            self.failed += 1
        mark = "held" if held else "FAIL"
        seconds = time.monotonic() - self.began
        print(
            f"{seconds:6.1f}s  {mark}  {what}: expected {expected}; happened: {happened}",
            file=self.out,
            flush=True,
        )

    @property
    def good(self) -> bool:
        return self.held > 0 and self.failed == 0

    def close(self) -> None:
        seconds = time.monotonic() - self.began
        verdict = "Every line held" if self.good else f"{self.failed} DID NOT HOLD"
        print(f"\n{verdict}: {self.held} of {self.held + self.failed} in {seconds:.1f} s.", file=self.out)
