"""What is drawn for a step: who asks for what, what is answered, what befalls."""

from dataclasses import dataclass

from hypothesis import strategies as st

from tests.machine.artist import FETCHES, POLLS, SUBMITS
from tests.machine.boundary import Moment
from tests.machine.world import INSTANT

USERS = ["ada", "bob"]
LEASES = ["delayed", "starting", "submitting", "generating", "saving", "failed"]
STALL = 40.0  # seconds: longer than any lease but a synchronous call's


@dataclass(frozen=True)
class Theme:
    """
    What one example is made of, besides what is asked for.

    Attributes:
        places: Boundaries at which something befalls.
        befalls: What does.
        submits: Answers of the provider, as are *polls* and *fetches*.
    """

    places: list[str]
    befalls: list[str]
    submits: list[str]
    polls: list[str]
    fetches: list[str]

    def script(self, drawn: list) -> dict[Moment, tuple[str, int]]:
        """Boundary -> what befalls there, and to which."""
        return {
            (f"{side} {pick(self.places, place)}", nth): (pick(self.befalls, what), to)
            for (side, place, nth, what), to in drawn
        }

    def answers(self, drawn: list[int]) -> dict[str, list[str]]:
        """What the provider will say, whatever it is asked."""
        return {
            "submits": [pick(self.submits, number) for number in drawn],
            "polls": [pick(self.polls, number) for number in drawn],
            "fetches": [pick(self.fetches, number) for number in drawn],
        }


def pick(values: list[str], number: int) -> str:
    return values[number % len(values)]


# Where something may befall, before it or after it.
PLACES = [
    *("places change", "lanes change", "tasks insert", "tasks change", "tasks remove"),
    *("generations insert", "generations change", "generations change", "enqueue"),
    *("submit", "submit", "poll", "fetch", "images insert", "images remove"),
    *("pictures.files insert", "pictures.files remove", "pictures.chunks insert"),
]
BEFALLS = [
    *("die", "die", "break", "lease", "lease", "stall", "look", "job", "flush"),
    *("janitor", "cancel", "delete", "forget_user", "consent", "create", "create"),
]
CHANGES = ["cancel", "cancel", "delete", "forget_user", "retry", "consent"]
UPKEEP = ["pump", "janitor", "janitor", "sweep", "flush", "close", "part", "open"]
which = st.integers(0, 3)
users = st.sampled_from(USERS)


def some(values: list[str], most: int) -> st.SearchStrategy:
    return st.lists(st.sampled_from(values), min_size=1, max_size=most, unique=True)


# Few things that come often together find more than all things once in a while.
themes = st.builds(
    Theme,
    places=some(PLACES, 4),
    befalls=some(BEFALLS, 3),
    submits=some(SUBMITS, 3),
    polls=some(POLLS, 3),
    fetches=some(FETCHES, 3),
)
event = st.tuples(
    st.sampled_from(["before", "after"]), which, st.sampled_from([1, 1, 2, 3]), which
)
scripts = st.lists(st.tuples(event, which), max_size=3)
answers = st.lists(which, max_size=2)
creations = st.fixed_dictionaries(
    {
        "user": users,
        "n": st.sampled_from([1, 1, 2, 2, 3, 4]),
        "delay": st.sampled_from([0, 0, 0, 5]),
        "key": st.sampled_from([None, None, "one", "two"]),
        "model": st.sampled_from(["", "", "seeded", INSTANT]),
    }
)
seconds = st.sampled_from([0.5, 3.0, 3.0, 10.0, 10.0, STALL, 100.0, 1000.0, 40_000.0])
