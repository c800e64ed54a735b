"""The tools: handler, arguments, output schema and required scope of each."""

from collections.abc import Callable
from dataclasses import dataclass

from marshmallow import ValidationError

from jimeng.documents.principal import Principal
from jimeng.errors import BudgetExceeded, Invalid, JimengError
from jimeng.http import auth
from jimeng.http.responses import (
    errors_by_field,
    field_errors_message,
    translate_errors,
)
from jimeng.i18n import explain, language, problems, t
from jimeng.mcp import results
from jimeng.mcp.arguments import MAX_WAIT_S, Arguments, input_schema
from jimeng.mcp.results import Result
from jimeng.process.metric_counts import counts
from jimeng.schemas.reference_texts import docstring_texts, translated_text

DRAWING = ("generate_image", "edit_image", "generate_video", "create_batch")


@dataclass(frozen=True)
class Tool:
    """
    Attributes:
        handler: Called with the principal and the arguments; models read its docstring.
        takes: The schema of the arguments.
        output_schema: The JSON Schema of the result.
        changes: Whether it needs more than the scope ``read``.
        is_destructive: Whether it deletes or cancels something.
    """

    name: str
    handler: Callable[[Principal, dict], Result]
    takes: Arguments
    output_schema: dict
    changes: bool = False
    is_destructive: bool = False

    def described(self, *, names_customers: bool = True) -> dict:
        """
        The tool's entry in ``tools/list``, in the request's language.

        Args:
            names_customers: Whether to show ``user_id``: a model that reads of it would
                make one up.
        """
        texts = docstring_texts(self.handler)
        title = translated_text(texts["summary"], language(), "summary")
        arguments = input_schema(self.takes)
        if not names_customers:
            arguments["properties"].pop("user_id", None)
        return {
            "name": self.name,
            "title": title,
            "description": translated_text(texts["description"], language()),
            "inputSchema": arguments,
            "outputSchema": self.output_schema,
            "annotations": {
                "title": title,
                "readOnlyHint": not self.changes,
                "destructiveHint": self.is_destructive,
                "idempotentHint": not self.changes or self.is_destructive,
                "openWorldHint": self.name in DRAWING,
            },
        }


TOOLS: dict[str, Tool] = {}
Handler = Callable[[Principal, dict], Result]


def tool(
    name: str, takes: Arguments, output_schema: dict, **more: bool
) -> Callable[[Handler], Handler]:
    """Decorate the handler of a tool; the arguments are those of `Tool`."""

    def register(handler: Handler) -> Handler:
        TOOLS[name] = Tool(name, handler, takes, output_schema, **more)
        return handler

    return register


def instructions() -> str:
    """General instructions for models, about all tools."""
    return t("mcp.instructions", seconds=MAX_WAIT_S)


def call_tool(tool: Tool, arguments: dict) -> dict:
    """
    Call a tool. Errors in the request become results that the model can act on.

    Raises:
        ScopeTooSmall: the key lacks the scope.
    """
    auth.check_scope(changes=tool.changes)
    principal = auth.principal_of_api()
    try:
        return tool.handler(principal, tool.takes.load(arguments)).content()
    except ValidationError as error:
        counts.add("refusals", "mcp", Invalid.code)
        return results.refusal(
            field_errors_message(translate_errors(errors_by_field(error.messages)))
        )
    except Invalid as error:
        counts.add("refusals", "mcp", error.code)
        return results.refusal(field_errors_message(problems(error)))
    except JimengError as error:
        counts.add("refusals", "mcp", error.code)
        budget = error.budget if isinstance(error, BudgetExceeded) else {}
        return results.refusal(
            t("mcp.refused", message=explain(error), code=error.code),
            error=error.code,
            **({"budget": budget} if budget else {}),
        )
