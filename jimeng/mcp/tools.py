"""The tools: what each does, takes and gives, and who may use it."""

from collections.abc import Callable
from dataclasses import dataclass

from marshmallow import ValidationError

from jimeng import auth
from jimeng.errors import Invalid, JimengError
from jimeng.http.answers import by_field, in_words, sentence
from jimeng.i18n import docstring_words, explain, in_language, problems, t
from jimeng.jobs.counts import counts
from jimeng.mcp import acts, many, results
from jimeng.mcp import arguments as takes
from jimeng.mcp.arguments import Arguments
from jimeng.mcp.results import Result
from jimeng.viewers import Viewer

DRAWING = ("generate_image", "edit_image", "create_batch")


@dataclass(frozen=True)
class Tool:
    """
    Attributes:
        do: What it does, for the viewer and with what it takes; its docstring is what
            models read.
        takes: Checks and describes the arguments.
        gives: Describes the result.
        changes: Whether a key for looking is not enough.
        ends: Whether it takes something away.
    """

    name: str
    do: Callable[[Viewer, dict], Result]
    takes: Arguments
    gives: dict
    changes: bool = False
    ends: bool = False

    def described(self) -> dict:
        """As ``tools/list`` has it, in the request's language."""
        words = docstring_words(self.do)
        title = in_language(words["summary"])
        return {
            "name": self.name,
            "title": title,
            "description": in_language(words["description"]),
            "inputSchema": takes.described(self.takes),
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
            "generate_image", acts.generate, takes.GENERATE, results.TASK, changes=True
        ),
        Tool("edit_image", acts.edit, takes.EDIT, results.TASK, changes=True),
        Tool("get_task", acts.get, takes.GET, results.TASK),
        Tool("list_tasks", acts.list_tasks, takes.LIST, results.TASKS),
        Tool(
            "cancel_task",
            acts.cancel,
            takes.CANCEL,
            results.TASK,
            changes=True,
            ends=True,
        ),
        Tool(
            "create_batch", many.create_batch, takes.BATCH, results.BATCH, changes=True
        ),
        Tool("get_batch", many.get_batch, takes.GET_BATCH, results.BATCH),
        Tool(
            "list_collections",
            many.list_collections,
            takes.LIST_COLLECTIONS,
            results.COLLECTIONS,
        ),
        Tool(
            "add_to_collection",
            many.add_to_collection,
            takes.ADD,
            results.ADDED,
            changes=True,
        ),
        Tool("list_models", acts.list_models, takes.NOTHING, results.MODELS),
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
        return tool.do(viewer, tool.takes.load(given)).content()
    except ValidationError as error:
        counts.add("refusals", "mcp", Invalid.code)
        return results.refusal(sentence(in_words(by_field(error.messages))))
    except Invalid as error:
        counts.add("refusals", "mcp", error.code)
        return results.refusal(sentence(problems(error)))
    except JimengError as error:
        counts.add("refusals", "mcp", error.code)
        return results.refusal(t("mcp.refused", words=explain(error), code=error.code))
