"""What a page says is printed, and what is: the same but for times, ids, numbers and hashes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# One value of these on the page is one value here, wherever it stands.
NAMED = {
    "id": r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "process": r"(?<=pid=)\d+|(?<=PID )\d+",
}
OTHERS = {
    "moment": r"\d{4}-\d\d-\d\dT[\d:.]+Z",
    "clock": r"^\d\d:\d\d:\d\d(?= )",
    "seconds": r"(?<=delay=)[\d.]+|(?<=in )[\d.]+(?=s$)",
    "commit": r"\b[0-9a-f]{7,10}\b",
}
_TOKENS = {**NAMED, **OTHERS, "lines": r"^…\n", "words": "…"}
_FITTING = {**_TOKENS, "lines": r"(?:.*\n)*", "words": ".*"}
_TOKEN = re.compile(
    "|".join(f"(?P<{kind}>{pattern})" for kind, pattern in _TOKENS.items()), re.MULTILINE
)


class Values:
    """What stands on the page, by what it is here; grows with what is printed."""

    def __init__(self, known: Mapping[str, str]) -> None:
        self._here = dict(known)

    def here(self, text: str) -> str:
        """Return a text of the page with the values that are known as they are here."""
        known = "|".join(map(re.escape, self._here))
        return re.sub(rf"(?<!\w)(?:{known})(?!\w)", lambda found: self._here[found[0]], text)

    def fit(self, written: str, printed: str) -> bool:
        """Tell if that is printed, and learn the values that are new."""
        pattern, new = self._pattern(self.here(written))
        found = re.fullmatch(pattern, printed, re.MULTILINE)
        pairs = set(zip(new, found.groups(), strict=True)) if found else set()
        learnt = dict(pairs)
        others = {*learnt.values()} - {*self._here.values()}
        if not found or not len(pairs) == len(learnt) == len(others):
            return False
        self._here |= learnt
        return True

    def _pattern(self, text: str) -> tuple[str, list[str]]:
        """Return what fits, with a group for each value that is not known yet, and these."""
        pattern, end, new = "", 0, []
        for token in _TOKEN.finditer(text):
            kind = str(token.lastgroup)
            pattern += re.escape(text[end : token.start()])
            end = token.end()
            if kind not in NAMED:
                pattern += f"(?:{_FITTING[kind]})"
            elif token[0] in self._here.values():
                pattern += re.escape(token[0])
            else:
                pattern += f"({_FITTING[kind]})"
                new.append(token[0])
        return pattern + re.escape(text[end:]), new
