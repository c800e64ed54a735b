"""What is drawn for a step: who asks for what, what is answered, what befalls."""

from hypothesis import strategies as st

from tests.machine.artist import FETCHES, POLLS, SUBMITS
from tests.machine.boundary import Moment
from tests.machine.world import INSTANT

USERS = ["ada", "bob"]
LEASES = ["delayed", "starting", "submitting", "generating", "saving", "failed"]
STALL = 40.0  # seconds: longer than any lease but a synchronous call's

# Where something may befall, before it or after it.
ASKING = ["lines change", "tasks insert", "generations insert", "enqueue"]
CHANGING = [
    *("tasks change", "generations change", "lines change", "images remove"),
    *("pictures.files remove", "pictures.chunks remove", "tasks remove", *ASKING),
]
WORKING = [
    *("generations change", "generations change", "tasks change", "lanes change"),
    *("submit", "submit", "poll", "fetch", "pictures.chunks insert"),
    *("pictures.files insert", "images insert", "enqueue"),
]
DOING = [*WORKING, *CHANGING]
BEFALLS = [
    *("die", "die", "break", "lease", "lease", "stall", "look", "job", "flush"),
    *("janitor", "cancel", "delete", "forget_user", "consent", "create", "create"),
]
CHANGES = ["cancel", "cancel", "delete", "forget_user", "retry", "consent"]
UPKEEP = ["pump", "janitor", "janitor", "sweep", "flush", "close", "open"]
which = st.integers(0, 3)
users = st.sampled_from(USERS)


def scripts(places: list[str]) -> st.SearchStrategy:
    """What befalls a process that comes by some of *places*."""
    place = st.builds(
        "{} {}".format, st.sampled_from(["before", "after"]), st.sampled_from(places)
    )
    moment = st.tuples(place, st.sampled_from([1, 1, 1, 2, 3]))
    befall = st.tuples(st.sampled_from(BEFALLS), which)
    disturbed = st.dictionaries(moment, befall, min_size=1, max_size=3)
    return st.just({}) | disturbed | disturbed


creations = st.fixed_dictionaries(
    {
        "user": users,
        "n": st.sampled_from([1, 1, 2, 2, 3, 4]),
        "delay": st.sampled_from([0, 0, 0, 5]),
        "key": st.sampled_from([None, None, "one", "two"]),
        "model": st.sampled_from(["", "", "seeded", INSTANT]),
    }
)
answers = st.fixed_dictionaries(
    {
        "submits": st.lists(st.sampled_from(SUBMITS), max_size=2),
        "polls": st.lists(st.sampled_from(POLLS), max_size=2),
        "fetches": st.lists(st.sampled_from(FETCHES), max_size=2),
    }
)
seconds = st.sampled_from([0.5, 3.0, 3.0, 10.0, 10.0, STALL, 100.0, 1000.0, 40_000.0])

Script = dict[Moment, tuple[str, int]]
