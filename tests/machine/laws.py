"""Laws: what holds whenever nobody is in the middle of something."""

from collections import Counter
from dataclasses import dataclass, field

from mongoengine import get_db

from jimeng import lanes, tasks
from jimeng.documents import Generation, Image, State, Task
from jimeng.documents.image import files_of
from jimeng.documents.principal import Principal
from jimeng.providers import Model
from tests.machine.artist import Artist

EVERYBODY = Principal("operator", is_operator=True)
UNDER_WAY = {"starting", "submitting", "generating", "saving"}
TIMED_OUT = {"timed_out", "account_removed"}
FINAL = {"completed", "failed", "cancelled"}
BECOMES = {
    "pending": {"pending", "processing", *FINAL},
    "processing": {"processing", *FINAL},
    "completed": {"completed"},
    "failed": {"failed"},
    "cancelled": {"cancelled"},
}


@dataclass
class Known:
    """What was last seen of a task."""

    status: str = "pending"
    progress: int = 0
    outcomes: dict = field(default_factory=dict)


class Laws:
    """
    Attributes:
        deleted: Tasks whose owner deleted them; only these may be gone.
    """

    def __init__(self, artist: Artist, limits: dict[str, int]) -> None:
        self.deleted: set[str] = set()
        self._artist = artist
        self._limits = limits
        self._known: dict[str, Known] = {}

    def hold(self, begun: int) -> None:
        """
        Look at everything there is.

        Args:
            begun: The number of the process that began last.
        """
        generations = {row["_id"]: row for row in Generation.collection().find()}
        found = {row["_id"]: Task.read(row) for row in Task.collection().find()}
        images = {row["_id"]: row for row in Image.collection().find()}
        for generation in generations.values():
            self._of_a_state(generation)
            self._of_an_end(generation, found.get(generation["task_id"]))
        self._of_slots(generations)
        self._of_submissions(generations)
        self._of_pictures(found, images)
        self._of_statuses(found, begun)
        self._of_what_is_seen(found)

    def look(self) -> None:
        """See what anybody may see, at any moment."""
        found = Task.collection().find({"status": {"$in": ["pending", "processing"]}})
        self._of_what_is_seen({row["_id"]: Task.read(row) for row in found})

    def _of_a_state(self, generation: dict) -> None:
        """``due_at``, ``waiting`` and the slot are where core's table has them."""
        state = generation["state"]
        is_due, is_waiting = "due_at" in generation, "waiting" in generation
        assert is_waiting == (state in {"delayed", "queued"}), generation
        if state == "delayed" or state in UNDER_WAY:
            assert is_due, generation
        if state in {"queued", "done", "dropped"}:
            assert not is_due, generation
        if state == "unknown":
            assert is_due == ("slot" in generation), generation
        if state == "failed":
            looks = generation["late_looks"] < len(Model.late_polls_s)
            is_late = generation["late"] and "accepted_at" in generation
            late = is_late and generation["error"]["code"] in TIMED_OUT
            assert is_due == (late and looks), generation
        if state not in {"starting", "submitting", "generating", "unknown"}:
            assert "slot" not in generation, generation
        assert State(state)

    def _of_an_end(self, generation: dict, task: Task | None) -> None:
        """A picture that ended is told, and one that was paid for is shown."""
        if task is None or task.status == "cancelled" or task.deleted_at:
            return
        index = str(generation["index"])
        state = generation["state"]
        if state in {"done", "failed", "unknown", "dropped"}:
            assert index in task.outcomes, (generation, task.outcomes)
        if state == "done" and task.outcomes[index]["state"] != "done":
            charged = task.outcomes[index]["error"]["charged"]
            assert charged != "unknown", f"thrown away {generation['_id']}"

    def _of_slots(self, generations: dict[str, dict]) -> None:
        """No slot has two, and no account more in a lane than it may."""
        held = Counter(
            (row["lane"], row["slot"]) for row in generations.values() if "slot" in row
        )
        assert all(count == 1 for count in held.values()), held
        for lane, slot in held:
            parted = lanes.parse_slot(lane, slot)
            assert parted and parted[1] in range(self._limits[parted[0].account]), held

    def _of_submissions(self, generations: dict[str, dict]) -> None:
        """What the provider accepted is known by name, or known to be unknown."""
        for generation_id, submissions in self._artist.ledger.items():
            generation = generations[generation_id]
            for each in submissions:
                if each.verdict != "accepted":
                    continue
                if each.remote_id in generation["remote_ids"]:
                    continue
                assert generation["charged"] != "no" or (
                    generation["state"] == "submitting"
                ), f"charge forgotten: {generation}"

    def _of_pictures(self, found: dict[str, Task], images: dict[str, dict]) -> None:
        """A picture that is said to be there is there, with its files."""
        files = {row["_id"] for row in get_db()["pictures.files"].find({}, {"_id": 1})}
        for task in found.values():
            assert set(task.outcomes) <= {str(index) for index in range(task.n)}
            if task.deleted_at:
                continue
            if task.status == "completed":
                assert task.done, task.id
            for index in task.done if task.status != "cancelled" else []:
                image = images.get(task.generation_ids[index])
                assert image is not None, f"{task.id} lost picture {index}"
                assert set(files_of(image)) <= files, image

    def _of_statuses(self, found: dict[str, Task], begun: int) -> None:
        """A status moves along the edges, and an outcome that is known stays."""
        for task_id in self._known.keys() - found.keys():
            assert task_id in self.deleted, f"{task_id} is gone"
            self._artist.cancelled.setdefault(task_id, begun)
        for task in found.values():
            known = self._known.setdefault(task.id, Known())
            charges = {
                index
                for index, outcome in known.outcomes.items()
                if outcome.get("error", {}).get("charged") == "unknown"
            }
            allowed = BECOMES[known.status] | ({"completed"} if charges else set())
            if known.status == "cancelled":
                allowed = {"cancelled"}
            assert task.status in allowed, f"{known.status} became {task.status}"
            for index, outcome in known.outcomes.items():
                if index not in charges:
                    assert task.outcomes[index] == outcome, (outcome, task.outcomes)
            assert (task.open is True) == task.is_open, task.id
            assert task.is_open == (
                task.status != "cancelled" and len(task.outcomes) < task.n
            ), (task.status, task.outcomes)
            known.status, known.outcomes = task.status, task.outcomes
            if task.status == "cancelled":
                self._artist.cancelled.setdefault(task.id, begun)

    def _of_what_is_seen(self, found: dict[str, Task]) -> None:
        there = [task for task in found.values() if task.deleted_at is None]
        for view in tasks.view_all(EVERYBODY, there):
            assert 0 <= view.progress <= 100
            known = self._known.setdefault(view.task.id, Known())
            assert view.progress >= known.progress, (view, known.progress)
            known.progress = view.progress
            if view.task.status == "completed":
                assert view.images, view


def hold_at_the_end() -> None:
    """Everything has come to its end, and nothing is left lying about."""
    assert not Task.collection().count_documents({"open": True})
    assert not Task.collection().count_documents({"deleted_at": {"$exists": True}})
    for left in ("slot", "due_at", "waiting"):
        assert not Generation.collection().count_documents({left: {"$exists": True}})
    files = {row["_id"] for row in get_db()["pictures.files"].find({}, {"_id": 1})}
    chunks = set(get_db()["pictures.chunks"].distinct("files_id"))
    found = {task.id: task for task in map(Task.read, Task.collection().find())}
    referenced: set = set()
    for image in Image.collection().find():
        task = found.get(image["task_id"])
        assert task is not None, f"{image['_id']} has no task"
        assert image["index"] in task.done, f"nobody is shown {image['_id']}"
        referenced |= set(files_of(image))
    assert files == referenced
    assert chunks == files
    for row in Generation.collection().find({"task_id": {"$nin": list(found)}}):
        assert "prompt" not in row, f"{row['_id']} keeps words of a deleted task"
