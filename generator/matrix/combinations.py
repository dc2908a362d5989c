"""Which combinations of answers are built: computed from the questions, never listed."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from jinja2.sandbox import SandboxedEnvironment

from generator.errors import RefusedError, did_you_mean
from generator.template import questions

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from generator.template.questions import Question

# What these answer decides which code is rendered: every combination of them is built. All other
# questions are built in pairs.
PRODUCT = ("task_backend", "broker", "database")
# What people type, at its worst; a question without choices needs an entry.
ODD = {
    "project_name": 'A "quoted" name: ünï, 名前 \\ #1',
    "package_name": "a" * 40,
    "description": "Says \"hi\" & <bye> 'now' \\ {braces} 名前 " + "x" * 150,
}

Pair = frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Value:
    """One answer to a question: what Copier is given, and how a combination's name shows it."""

    answer: Any
    shown: str


Full = tuple[tuple[str, Value], ...]
"""Questions with their answers."""


@dataclass(frozen=True)
class Combination:
    product: Full
    others: Full = ()
    """Those that differ from the default."""

    @cached_property
    def answers(self) -> dict[str, Any]:
        return {name: value.answer for name, value in (*self.product, *self.others)}

    @cached_property
    def name(self) -> str:
        parts = [value.shown for _, value in self.product]
        return "~".join(["-".join(parts), *(value.shown for _, value in self.others)])

    def all_answers(self, asked: Iterable[Question]) -> dict[str, str]:
        """Return every answer as text, defaults included, as `--only` compares it."""
        defaults = {q.name: q.default for q in asked if q.name not in PRODUCT}
        given = {name: _text(answer) for name, answer in self.answers.items()}
        return {"name": self.name, **defaults, **given}


def combinations(root: Path = questions.ROOT) -> list[Combination]:
    """Return the product of what decides the code, then what covers all pairs with the rest.

    Each row of the product is built as it is by default, and with all of what may be chosen.
    """
    asked = questions.load(root)
    rows = product(asked)
    others = {q.name: values(q) for q in asked if q.name not in PRODUCT}
    usual = {name: tried[0] for name, tried in others.items()}
    all_of = {q.name: others[q.name][1] for q in asked if q.several and len(q.choices) > 1}
    answers = [usual, *({**usual, name: value} for name, value in all_of.items())]
    built = [(*row, *each.items()) for each in answers for row in rows]
    return [_combination(full, others) for full in [*built, *_pairs(rows, others, built)]]


def product(asked: Sequence[Question]) -> list[Full]:
    rows: list[Full] = [()]
    for question in (q for q in asked if q.name in PRODUCT):
        rows = [
            row + each
            for row in rows
            for each in (
                [((question.name, Value(c, c)),) for c in question.choices]
                if _is_asked(question, row)
                else [()]
            )
        ]
    return rows


def values(question: Question) -> list[Value]:
    """Return the answers that are tried: the default, of several choices all, then the others."""
    if question.several:
        usual = [part for part in question.default.split(", ") if part]
        whole = [Value(list(question.choices), f"all-{question.name}")]
        more = whole if len(question.choices) > 1 else []
        found = [Value(usual, "usual"), *more, Value([], f"no-{question.name}")]
    elif question.choices:
        found = [Value(c, f"{question.name.split('_')[0]}-{c}") for c in question.choices]
    elif question.name in ODD:
        found = [Value("", ""), Value(ODD[question.name], f"odd-{question.name.split('_')[0]}")]
    else:
        raise RefusedError(
            f"The question {question.name} has no choices, so what to try is not known.",
            "Add an odd answer to ODD in generator/matrix/combinations.py.",
        )
    return sorted(found, key=lambda value: _text(value.answer) != question.default)


def select(found: Sequence[Combination], only: Mapping[str, str], root: Path) -> list[Combination]:
    """Choose those that have all the answers; refuse an answer that none of them has."""
    asked = questions.load(root)
    known = [question.name for question in asked]
    for key in only:
        if key not in {*known, "name"}:
            raise RefusedError(f'"{key}" is not a question.', did_you_mean(key, [*known, "name"]))
    told = [(combination, combination.all_answers(asked)) for combination in found]
    for key, wanted in only.items():
        there = {answers[key] for _, answers in told if key in answers}
        if wanted not in there:
            raise RefusedError(
                f'No combination has {key}="{wanted}".', did_you_mean(wanted, sorted(there))
            )
    chosen = [c for c, answers in told if only.items() <= answers.items()]
    if not chosen:
        raise RefusedError(
            "No combination has all these answers together.", "See fastapi-tasks matrix list."
        )
    return chosen


def _is_asked(question: Question, row: Full) -> bool:
    answers = {name: value.answer for name, value in row}
    for name, text in question.computed:
        answers[name] = _rendered(text, answers)
    return _rendered(_expression(question.when), answers).lower() == "true"


def _rendered(text: str, answers: Mapping[str, Any]) -> str:
    return SandboxedEnvironment().from_string(text).render(answers).strip()


def _expression(when: str) -> str:
    return when if "{" in when else f"{{{{ {when.lower()} }}}}"


def _text(answer: Any) -> str:
    return ", ".join(answer) if isinstance(answer, list) else str(answer)


def _pairs(rows: list[Full], others: dict[str, list[Value]], built: list[Full]) -> list[Full]:
    """Cover, greedily, every pair of answers that is not built yet."""
    covered = {pair for full in built for pair in _pairs_of(full)}
    wanted = [pair for pair in _possible(rows, others) if pair not in covered]
    found = []
    while wanted:
        seed, left = dict(wanted[0]), set(wanted)
        tries = [
            _fill(row, others, seed, left)
            for row in rows
            if all(name in others or (name, shown) in _shown(row) for name, shown in wanted[0])
        ]
        best = max(tries, key=lambda full: len(left.intersection(_pairs_of(full))))
        wanted = [pair for pair in wanted if pair not in _pairs_of(best)]
        found.append(best)
    return found


def _possible(rows: list[Full], others: dict[str, list[Value]]) -> list[Pair]:
    with_product = {
        frozenset({place, (name, value.shown)})
        for row in rows
        for place in _shown(row)
        for name, tried in others.items()
        for value in tried
    }
    among_others = {
        frozenset({(one, a.shown), (two, b.shown)})
        for one, two in itertools.combinations(others, 2)
        for a, b in itertools.product(others[one], others[two])
    }
    # In a fixed order: every machine builds the same combinations.
    return sorted(with_product | among_others, key=sorted)


def _fill(
    row: Full,
    others: dict[str, list[Value]],
    seed: dict[str, str],
    left: set[Pair],
) -> Full:
    full = row
    # The seed's own answers come first, so that the others can join them.
    for name in sorted(others, key=lambda name: name not in seed):
        tried = [v for v in others[name] if seed.get(name, v.shown) == v.shown]
        best = max(tried, key=lambda v: _gain(full, name, v, left))
        full = (*full, (name, best))
    return full


def _gain(full: Full, name: str, value: Value, left: set[Pair]) -> int:
    return sum(frozenset({place, (name, value.shown)}) in left for place in _shown(full))


def _shown(full: Full) -> set[tuple[str, str]]:
    return {(name, value.shown) for name, value in full}


def _pairs_of(full: Full) -> set[Pair]:
    return {frozenset(pair) for pair in itertools.combinations(_shown(full), 2)}


def _combination(full: Full, others: dict[str, list[Value]]) -> Combination:
    given = dict(full)
    differ = [(n, given[n]) for n, tried in others.items() if given[n] != tried[0]]
    return Combination(tuple(item for item in full if item[0] in PRODUCT), tuple(differ))
