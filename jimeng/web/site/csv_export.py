"""Tables to take away, as CSV."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from flask import Response

FORMULA = tuple("=+-@\t\r\n＝＋－＠")
AT_A_TIME = 500  # rows


def spreadsheet(
    name: str, columns: Sequence[str], rows: Iterable[Sequence[object]]
) -> Response:
    """
    Send *rows* as they come; nobody knows before how many there will be.

    Args:
        name: Of the file; in ASCII.
    """
    pieces = written(columns, rows)
    response = Response(pieces, content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def written(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """The lines, some hundred at a time."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(columns)
    for number, row in enumerate(rows, 1):
        writer.writerow([harmless(str(cell)) for cell in row])
        if number % AT_A_TIME == 0:
            yield out.getvalue()
            out.seek(0)
            out.truncate()
    yield out.getvalue()


def harmless(cell: str) -> str:
    """
    Keep a spreadsheet from taking a text for a formula.

    Source: https://owasp.org/www-community/attacks/CSV_Injection
    """
    return f"'{cell}" if cell.startswith(FORMULA) else cell
