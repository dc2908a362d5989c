"""The ratios as a picture: how far each is on its way to its target, on a logarithmic scale."""

from __future__ import annotations

from math import log2
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from benchmarks.report import Ratio, Spread

WIDTH, LEFT, ROW, TOP = 900, 380, 24, 48
HALF = (WIDTH - LEFT - 90) / 2
REACH = 4.0  # the scale goes from 1/16 to 16 times the target
FONT = 'font-family="sans-serif" font-size="13"'
GOOD, BAD, LINE = "#2a7f62", "#b5483a", "#888"


def svg(found: Sequence[tuple[Ratio, Spread]]) -> str:
    """Return a picture of those that have a target: to the right of the line, it is met."""
    rows = [(ratio, spread) for ratio, spread in found if ratio.target]
    height = TOP + ROW * len(rows) + 16
    middle = LEFT + HALF
    drawn = [_row(ratio, spread, TOP + ROW * at) for at, (ratio, spread) in enumerate(rows)]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" {FONT}>',
            f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
            _text(middle, 22, "target", "middle"),
            _text(LEFT, 22, "missed", "start"),
            _text(LEFT + 2 * HALF, 22, "better", "end"),
            f'<line x1="{middle}" y1="30" x2="{middle}" y2="{height - 10}" stroke="{LINE}"/>',
            *(part for row in drawn for part in row),
            "</svg>\n",
        ]
    )


def _row(ratio: Ratio, spread: Spread, top: float) -> Iterable[str]:
    middle, at = LEFT + HALF, _place(ratio, spread.median)
    ends = sorted(_place(ratio, value) for value in (min(spread.values), max(spread.values)))
    colour = GOOD if ratio.met(spread.median) else BAD
    centre = top + 9
    yield _text(LEFT - 10, top + 13, f"{ratio.name} ({ratio.target})", "end")
    yield (
        f'<rect x="{min(at, middle):.1f}" y="{top + 3:.1f}" width="{abs(at - middle):.1f}" '
        f'height="12" fill="{colour}"/>'
    )
    yield (
        f'<line x1="{ends[0]:.1f}" y1="{centre:.1f}" x2="{ends[1]:.1f}" y2="{centre:.1f}" '
        'stroke="black"/>'
    )
    yield _text(WIDTH - 80, top + 13, f"{spread.median:.2f}", "start")


def _place(ratio: Ratio, value: float) -> float:
    """Return where a value stands; the target is in the middle, better ones right of it."""
    smallest = 2**-REACH
    target = ratio.at_most if ratio.at_most is not None else ratio.at_least or 1.0
    times = max(smallest, value) / max(smallest, target)
    better = -log2(times) if ratio.at_most is not None else log2(times)
    return LEFT + HALF + HALF * max(-1.0, min(1.0, better / REACH))


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
