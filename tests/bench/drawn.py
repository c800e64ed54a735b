"""From drawn to completed, unloaded: seconds, and queries of the provider."""

import statistics
from collections.abc import Iterator

from tests.bench.rows import Row, Site
from tests.system.stack import Stack

# Each is a lane with two at a time, as providers allow: more pictures in less time.
MODELS = ("jimeng-3.0", "jimeng-3.1", "jimeng-4.0", "jimeng-4.6")
LEARNT = 24  # pictures that come first: the lanes learn from them
DURATION = 3.0  # seconds a picture, the median
SIGMAS = (0.0, 0.3)  # spread of their logarithm


def rows(site: Site) -> Iterator[Row]:
    pictures = 128 if site.full else 72
    for sigma in SIGMAS:
        name = f"drawn_{sigma * 10:g}"
        with site.stack(name, duration=DURATION) as stack:
            stack.simulate(plain=True, sigma=sigma)
            stack.start_consumer()
            stack.await_ready()
            tasks = [
                stack.create(model=MODELS[n % len(MODELS)], size="1024x1024")
                for n in range(pictures)
            ]
            stack.await_ended(tasks, 60 + 3 * DURATION * pictures)
            said = read(stack)
        spread = f"spread {sigma:g}" if sigma else "all alike"
        goal = "median 0.35 s, 99 % 1 s"
        yield Row(f"drawn to completed, 3 s, {spread}", said, goal=goal)


def read(stack: Stack) -> str:
    """From the moment when the provider had each picture to ``completed``."""
    rows = {row["task_id"]: row for row in stack.ledger()["rows"]}
    seconds = []
    with stack.database() as found:
        ended = {each["_id"]: each for each in found.tasks.find()}
        for each in found.generations.find().sort("accepted_at", 1).skip(LEARNT):
            row, task = rows[each["remote_ids"][-1]], ended[each["task_id"]]
            assert task["status"] == "completed", task
            seconds.append(task["completed_at"].timestamp() - row["finished_at"])
    looks = sum(row["polls"] for row in rows.values()) / len(rows)
    at = statistics.quantiles(seconds, n=100, method="inclusive")
    return (
        f"**median {at[49]:.2f} s**, 90 % {at[89]:.2f} s, 99 % {at[98]:.2f} s, "
        f"{looks:.1f} looks a picture"
    )
