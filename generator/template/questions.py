"""The questions of copier.yml: they make the flags of `new`, and refuse wrong answers early."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from generator.errors import RefusedError, did_you_mean

try:
    from yaml import CSafeLoader as SafeLoader  # by libyaml, in a tenth of the time
except ImportError:
    from yaml import SafeLoader  # type: ignore[assignment]

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_HERE = Path(__file__).parent.parent
# A wheel carries the template in the package; in a checkout it is one folder up.
ROOT = _HERE / "_source" if (_HERE / "_source").is_dir() else _HERE.parent


@dataclass(frozen=True)
class Question:
    name: str
    help: str
    choices: tuple[str, ...]
    several: bool
    default: str
    when: str = "true"
    """Jinja that says, from the earlier answers, whether it is asked."""
    computed: tuple[tuple[str, str], ...] = ()
    """The hidden answers that stand before it, each with the Jinja of its text."""

    @property
    def flag(self) -> str:
        return f"--{self.name.replace('_', '-')}"

    def answer(self, text: str) -> str:
        """Write several choices as the list that Copier wants."""
        return f"[{', '.join(self._words(text))}]" if self.several else text

    def check(self, text: str) -> None:
        for word in self._words(text) if self.choices else ():
            if word not in self.choices:
                raise RefusedError(
                    f'"{word}" is not a choice of {self.name}.', did_you_mean(word, self.choices)
                )

    def _words(self, text: str) -> list[str]:
        if not self.several:
            return [text]
        words = [word.strip(" '\"") for word in text.strip("[] ").split(",")]
        return [word for word in words if word and words != ["none"]]


class _Loader(SafeLoader):
    pass


# The included tables hold no question.
_Loader.add_constructor("!include", lambda _loader, _node: None)


def load(root: Path = ROOT) -> list[Question]:
    asked: list[Question] = []
    computed: dict[str, str] = {}
    for name, detail in _entries(root / "copier.yml"):
        if not isinstance(detail, dict):
            continue
        if detail.get("when") is False:
            computed[name] = str(detail.get("default", ""))
        else:
            asked.append(_question(name, detail, computed))
    return asked


def asked(template: Path) -> set[str]:
    """Name what a template, ours or another, may ask."""
    file = template / "copier.yml"
    found = _entries(file if file.is_file() else file.with_suffix(".yaml"))
    return {n for n, d in found if not (isinstance(d, dict) and d.get("when") is False)}


def _entries(file: Path) -> Iterator[tuple[str, Any]]:
    for document in yaml.load_all(file.read_text(encoding="utf-8"), Loader=_Loader):
        yield from (document or {}).items()


def table(name: str, file: str = "backends.yml", root: Path = ROOT) -> dict[str, Any]:
    """Read one of the tables that the questions include."""
    content = yaml.load((root / file).read_bytes(), Loader=SafeLoader)
    found: dict[str, Any] = content[name]["default"]
    return found


def told(answers: Mapping[str, str], *, strict: bool, root: Path = ROOT) -> dict[str, str]:
    """Return the answers as Copier takes them; if strict, refuse what it drops in silence."""
    known = {question.name: question for question in load(root)}
    for name, text in answers.items() if strict else ():
        if name not in known:
            raise unknown(name, known)
        known[name].check(text)
    return {n: known[n].answer(text) if n in known else text for n, text in answers.items()}


def unknown(name: str, known: Iterable[str]) -> RefusedError:
    return RefusedError(f'"{name}" is not a question of the template.', did_you_mean(name, known))


def _question(name: str, detail: dict[str, Any], computed: Mapping[str, str]) -> Question:
    choices = detail.get("choices", ())
    values = choices.values() if isinstance(choices, dict) else choices
    default = detail.get("default", "")
    shown = ", ".join(default) if isinstance(default, list) else str(default)
    return Question(
        name=name,
        help=detail.get("help", name),
        choices=tuple(v["value"] if isinstance(v, dict) else str(v) for v in values),
        several=bool(detail.get("multiselect")),
        default="" if "{" in shown else shown,
        when=str(detail.get("when", "true")),
        computed=tuple(computed.items()),
    )
