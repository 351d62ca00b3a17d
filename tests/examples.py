"""How many examples a property is tried with: all in `make test`, a third in `make check`, for every day.

`make check` asks for the profile EVERYDAY; properties that name no number follow it by themselves.
"""

from hypothesis import settings

EVERYDAY, THIRD = "everyday", 3

settings.register_profile(EVERYDAY, max_examples=settings.get_profile("default").max_examples // THIRD)


def examples(number: int) -> int:
    """That many, or a third of them."""
    is_everyday = settings().max_examples < settings.get_profile("default").max_examples
    return number // THIRD if is_everyday else number
