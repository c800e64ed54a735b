"""What a task was asked for, in its user's words, and asking for it once more."""

from dataclasses import dataclass

from jimeng.documents import Task
from jimeng.tasks.creation import NewTask, create, styled
from jimeng.tasks.reading import find
from jimeng.viewers import Viewer


@dataclass(frozen=True)
class Wording:
    """
    Attributes:
        prompt: As it was written.
        style: As it was named, or None.
    """

    prompt: str
    style: str | None = None


def wording(task: Task) -> Wording:
    """The user's own words; those that were sent, where the record has no others."""
    prompt, style = task.input.get("prompt"), task.input.get("style")
    # A style may stand for other words by now; then only what was sent is sure.
    if prompt and styled(prompt, style) == task.prompt:
        return Wording(prompt, style or None)
    return Wording(task.prompt)


def again(
    viewer: Viewer, task_id: str, *, idem_key: str | None = None
) -> tuple[Task, bool]:
    """
    Ask for the same as a task did, whatever became of it, with a new seed.

    The new task is the viewer's. It starts at once, even if the first was to wait.

    Args:
        idem_key: As in `create`.

    Returns:
        The new task, and whether an earlier request had made it.

    Raises:
        TaskNotFound: as in `find`.
        Invalid: as in `create`: the model may be gone.
        TooManyPending: as `create`, and so is all else.
    """
    task = find(viewer, task_id)
    anew = {"user_id", "seed", "delay"}
    new = NewTask(
        user_id=viewer.user_id,
        prompt=task.prompt,
        model=task.model,
        provider=task.provider,
        size=f"{task.width}x{task.height}",
        n=task.n,
        given={name: each for name, each in task.input.items() if name not in anew},
    )
    return create(viewer, new, idem_key=idem_key)
