"""CSV downloads."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from flask import Response

from jimeng.billing.cost_reports import Cost, CostGroup
from jimeng.billing.costs import yuan

FORMULA = tuple("=+-@\t\r\n＝＋－＠")
ROWS_PER_CHUNK = 500
COST_COLUMNS = ("cost", "cost_micros", "pictures", "unknown", "unpriced")
MONTH_COLUMNS = ("open", "corrected_at")


def csv_response(
    name: str, columns: Sequence[str], rows: Iterable[Sequence[object]]
) -> Response:
    """
    Stream *rows* as CSV; their number is not known in advance.

    Args:
        name: The name of the file, in ASCII.
    """
    pieces = csv_chunks(columns, rows)
    response = Response(pieces, content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def cost_cells(cost: Cost) -> list[object]:
    """The cells of `COST_COLUMNS`."""
    amount = Decimal(yuan(cost.micros))
    return [amount, cost.micros, cost.outputs, cost.unknown, cost.unpriced]


def month_cells(group: CostGroup) -> list[object]:
    """The cells of `MONTH_COLUMNS`."""
    at = group.corrected_at
    return ["yes" if group.is_open else "no", at.isoformat() if at else ""]


def csv_chunks(
    columns: Sequence[str], rows: Iterable[Sequence[object]]
) -> Iterator[str]:
    """The CSV text, in chunks of `ROWS_PER_CHUNK` rows."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(columns)
    for number, row in enumerate(rows, 1):
        writer.writerow([cell_text(cell) for cell in row])
        if number % ROWS_PER_CHUNK == 0:
            yield out.getvalue()
            out.seek(0)
            out.truncate()
    yield out.getvalue()


def cell_text(cell: object) -> str:
    """A number as it is, also below 0; anything else without formulas."""
    is_number = isinstance(cell, (int, Decimal))
    return str(cell) if is_number else escape_formula(str(cell))


def escape_formula(cell: str) -> str:
    """
    Keep spreadsheet programs from interpreting a text as a formula.

    Source: https://owasp.org/www-community/attacks/CSV_Injection
    """
    return f"'{cell}" if cell.startswith(FORMULA) else cell
