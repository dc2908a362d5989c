"""The files that a report can be: rows go in, bytes come out."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from fpdf import FPDF

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What a spreadsheet would run, if a cell began with it; https://owasp.org, CSV injection."""

Rows = Iterable[Sequence[Any]]


class Document(Protocol):
    def add(self, rows: Rows) -> bytes:
        """Take rows in; return what of the file is done."""
        ...

    def end(self) -> bytes:
        """Return the rest of the file."""
        ...


class Csv:
    media_type = "text/csv; charset=utf-8"

    def __init__(self, _title: str, head: Sequence[str]) -> None:
        self._text = io.StringIO(newline="")
        self._writer = csv.writer(self._text)
        self._writer.writerow(head)

    def add(self, rows: Rows) -> bytes:
        self._writer.writerows([_guarded(cell) for cell in row] for row in rows)
        return self.end()

    def end(self) -> bytes:
        text = self._text.getvalue()
        self._text.seek(0)
        self._text.truncate()
        return text.encode()


class Pdf:
    """One line of a landscape A4 page per row; letters beyond Latin-1 become question marks."""

    media_type = "application/pdf"
    size, margin, line = 7, 36, 10  # points
    letters = 182  # of a fixed width, in a line
    lines = 50

    def __init__(self, title: str, head: Sequence[str]) -> None:
        self._title = title
        self._width = (self.letters + 2) // len(head) - 2
        self._head = self._line(head)
        self._pdf = _landscape()
        self._begin_page()

    def add(self, rows: Rows) -> bytes:
        for row in rows:
            if self._at == self.lines:
                self._begin_page()
            self._write(self._line(map(_shown, row)))
        return b""

    def end(self) -> bytes:
        return bytes(self._pdf.output())

    def _begin_page(self) -> None:
        self._pdf.add_page()
        self._at = 0
        self._pdf.set_font("Courier", "B", self.size)
        self._write(f"{self._title}, page {self._pdf.page}")
        self._write(self._head)
        self._pdf.set_font("Courier", "", self.size)

    def _line(self, cells: Iterable[str]) -> str:
        return "  ".join(cell[: self._width].ljust(self._width) for cell in cells)

    def _write(self, text: str) -> None:
        known = text.encode("latin-1", "replace").decode("latin-1")
        self._pdf.text(self.margin, self.margin + self._at * self.line, known)
        self._at += 1


FORMATS: dict[str, type[Csv | Pdf]] = {"csv": Csv, "pdf": Pdf}


def _landscape() -> FPDF:
    from fpdf import FPDF  # noqa: PLC0415 - 25 MB and 0.2 s, for the processes that need it

    pdf = FPDF("landscape", "pt", "A4")
    pdf.set_auto_page_break(auto=False)
    return pdf


def _shown(cell: Any) -> str:
    """Return a cell in one line; times are in UTC."""
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        # SQLite keeps no time zone.
        at = cell.astimezone(UTC) if cell.tzinfo else cell.replace(tzinfo=UTC)
        return at.isoformat(timespec="seconds")
    return " ".join(str(cell).split())


def _guarded(cell: Any) -> Any:
    """Return a cell as it goes into a CSV file: text that would be a formula is quoted."""
    if isinstance(cell, str):
        return f"'{cell}" if cell.startswith(FORMULA) else cell
    return cell if isinstance(cell, int | float) else _shown(cell)
