"""The product's commands, as an operator gives them in a terminal."""

from tests.forks import Forked
from tests.system.stack import Stack
from tests.waiting import PATIENCE_S


def flask(stack: Stack, *words: str) -> str:
    """Run ``flask`` with the stack's settings; what it printed."""
    output, errors = stack.folder / "flask.out", stack.folder / "flask.err"
    output.unlink(missing_ok=True)
    errors.unlink(missing_ok=True)
    command = ["-m", "flask", "--app", "wsgi", *words]
    done = Forked(
        command, cwd=stack.folder, env=stack.env, output=output, errors=errors
    )
    assert done.wait(PATIENCE_S) == 0, errors.read_text()
    return output.read_text()
