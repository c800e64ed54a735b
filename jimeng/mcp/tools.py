"""The tools: what each does, takes and gives, and who may use it."""

from collections.abc import Callable
from dataclasses import dataclass

from marshmallow import ValidationError

from jimeng import auth
from jimeng.errors import Invalid, JimengError
from jimeng.http.answers import by_field, in_words, sentence
from jimeng.i18n import explain, problems, t
from jimeng.jobs.counts import counts
from jimeng.mcp import acts, arguments, many, results
from jimeng.mcp.arguments import Arguments, Shapes
from jimeng.mcp.results import Result
from jimeng.viewers import Viewer

DRAWING = ("generate_image", "edit_image", "create_batch")


@dataclass(frozen=True, kw_only=True)
class Tool:
    """
    Attributes:
        do: What it does, for the viewer and with what it takes.
        takes: Checks that.
        shapes: Describes it.
        needs: What of it must be given.
        gives: Describes the result.
        changes: Whether a key for looking is not enough.
        ends: Whether it takes something away.
    """

    name: str
    do: Callable[[Viewer, dict], Result]
    takes: type[Arguments]
    shapes: Shapes
    needs: tuple[str, ...] = ()
    gives: dict
    changes: bool = False
    ends: bool = False

    def checked(self, given: dict) -> dict:
        """
        Raises:
            ValidationError: it is not what is described.
        """
        return self.takes(only=[*self.shapes]).load(given)

    def described(self) -> dict:
        """As ``tools/list`` has it, in the request's language."""
        title = t(f"mcp.tool.{self.name}")
        return {
            "name": self.name,
            "title": title,
            "description": t(f"mcp.tool.{self.name}.about"),
            "inputSchema": arguments.described(self.shapes, self.needs),
            "outputSchema": self.gives,
            "annotations": {
                "title": title,
                "readOnlyHint": not self.changes,
                "destructiveHint": self.ends,
                "idempotentHint": not self.changes or self.ends,
                "openWorldHint": self.name in DRAWING,
            },
        }


TOOLS = {
    tool.name: tool
    for tool in (
        Tool(
            name="generate_image",
            do=acts.generate,
            takes=arguments.ToGenerate,
            shapes=arguments.GENERATE,
            needs=("prompt",),
            gives=results.TASK,
            changes=True,
        ),
        Tool(
            name="edit_image",
            do=acts.edit,
            takes=arguments.ToEdit,
            shapes=arguments.EDIT,
            needs=("images",),
            gives=results.TASK,
            changes=True,
        ),
        Tool(
            name="get_task",
            do=acts.get,
            takes=arguments.ToGet,
            shapes=arguments.GET,
            needs=("task_id",),
            gives=results.TASK,
        ),
        Tool(
            name="list_tasks",
            do=acts.list_tasks,
            takes=arguments.ToList,
            shapes=arguments.LIST,
            gives=results.TASKS,
        ),
        Tool(
            name="cancel_task",
            do=acts.cancel,
            takes=arguments.ToCancel,
            shapes=arguments.CANCEL,
            needs=("task_id",),
            gives=results.TASK,
            changes=True,
            ends=True,
        ),
        Tool(
            name="create_batch",
            do=many.create_batch,
            takes=arguments.ToCreateBatch,
            shapes=arguments.BATCH,
            gives=results.BATCH,
            changes=True,
        ),
        Tool(
            name="get_batch",
            do=many.get_batch,
            takes=arguments.ToGetBatch,
            shapes=arguments.GET_BATCH,
            needs=("batch_id",),
            gives=results.BATCH,
        ),
        Tool(
            name="list_collections",
            do=many.list_collections,
            takes=arguments.ToListCollections,
            shapes=arguments.LIST_COLLECTIONS,
            gives=results.COLLECTIONS,
        ),
        Tool(
            name="add_to_collection",
            do=many.add_to_collection,
            takes=arguments.ToAdd,
            shapes=arguments.ADD,
            needs=("collection", "images"),
            gives=results.ADDED,
            changes=True,
        ),
        Tool(
            name="list_models",
            do=acts.list_models,
            takes=Arguments,
            shapes={},
            gives=results.MODELS,
        ),
    )
}


def instructions() -> str:
    """What a model should know of all of them."""
    return t("mcp.instructions")


def use(tool: Tool, given: dict) -> dict:
    """
    Do it; what is wrong with the wish is told as a result that the model can act on.

    Raises:
        ScopeTooSmall: the key is not good for it.
    """
    auth.check_scope(changes=tool.changes)
    viewer = auth.viewer_of_api()
    try:
        return tool.do(viewer, tool.checked(given)).content()
    except ValidationError as error:
        counts.add("refusals", "mcp", Invalid.code)
        return results.refusal(sentence(in_words(by_field(error.messages))))
    except Invalid as error:
        counts.add("refusals", "mcp", error.code)
        return results.refusal(sentence(problems(error)))
    except JimengError as error:
        counts.add("refusals", "mcp", error.code)
        return results.refusal(t("mcp.refused", words=explain(error), code=error.code))
