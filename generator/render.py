"""One call to Copier, and its errors in words for the person who typed the command."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from generator import git
from generator.errors import GeneratorError, RefusedError, did_you_mean
from generator.faster import faster
from generator.questions import unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from generator.source import Source


@dataclass(frozen=True)
class Rendered:
    answers: dict[str, Any]
    computed: dict[str, Any]
    """The tables, and what the template computes of them and of the answers."""
    warnings: list[str]

    @property
    def services(self) -> list[str]:
        return list(self.computed.get("services") or ())


def render(
    source: Source,
    folder: Path,
    given: Mapping[str, str],
    suggested: Mapping[str, str],
    *,
    ask: bool,
) -> Rendered:
    """Render the template; refuse an answer that it has no use for."""
    rendered = copied(source, folder, given, suggested, ask=ask)
    _refuse_unused(given, rendered.answers)
    return rendered


def copied(
    source: Source,
    folder: Path,
    given: Mapping[str, Any],
    suggested: Mapping[str, str] | None = None,
    *,
    ask: bool = False,
) -> Rendered:
    # Copier takes a third of a second to load; --help and refusals need not wait for it.
    import copier  # noqa: PLC0415
    from copier.errors import CopierError, SettingsError  # noqa: PLC0415
    from jinja2 import TemplateError  # noqa: PLC0415
    from yaml import YAMLError  # noqa: PLC0415

    try:
        with faster(source.path), warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("default")
            done = copier.run_copy(
                source.path,
                folder,
                dict(given),
                vcs_ref=source.ref,
                # A user who trusts this source elsewhere has not said so here.
                settings=copier.Settings(defaults=copier.load_settings().defaults),
                defaults=not ask,
                user_defaults=dict(suggested or {}),
                overwrite=True,
                quiet=True,
                unsafe=False,
            )
    except SettingsError as error:
        raise GeneratorError(
            f"Copier's own settings file cannot be used. {error}",
            "Correct it, or name another with COPIER_SETTINGS_PATH.",
        ) from error
    except (CopierError, TemplateError, YAMLError, ValueError, TypeError, OSError) as error:
        raise _translated(error, source) from error
    hidden, asked = done.answers.hidden, done.answers.user
    return Rendered(
        {name: value for name, value in asked.items() if name not in hidden},
        {name: value for name, value in done.answers.combined.items() if name in hidden},
        [
            str(warning.message)
            for warning in caught
            if "copier" in type(warning.message).__module__
        ],
    )


def _refuse_unused(given: Mapping[str, str], answers: Mapping[str, Any]) -> None:
    """Refuse what Copier drops in silence: a key nobody asks for, a choice that does not exist."""
    for name, text in given.items():
        if name not in answers:
            raise unknown(name, answers)
        if isinstance(answers[name], list) and len(answers[name]) != len(_items(text)):
            raise RefusedError(
                f'"{text}" holds a choice that {name} does not have.',
                f"The template kept: {', '.join(answers[name]) or 'none of them'}.",
            )


def _items(text: str) -> list[str]:
    return [item for item in text.strip("[] ").split(",") if item.strip()]


def _translated(error: Exception, source: Source) -> GeneratorError:
    text = str(error)
    for pattern, translate in _TRANSLATIONS:
        if found := re.match(pattern, text, re.DOTALL):
            return translate(*found.groups())
    if stderr := getattr(error, "stderr", None):
        return GeneratorError(
            f"The template at {source.path} cannot be read: {git.complaint(stderr)}",
            "Check the address, your network and your access, or give another with --template.",
        )
    if isinstance(error, OSError):
        return GeneratorError(f"The project cannot be written: {text}.", "Nothing was left behind.")
    return GeneratorError(f"Copier cannot render the template at {source.path}: {text}")


def _invalid(name: str, message: str) -> RefusedError:
    return RefusedError(message, f"Answer with --{name.replace('_', '-')} or --data {name}=…")


class BadChoiceError(RefusedError):
    """The template has no such choice."""

    def __init__(self, name: str, answer: str, choices: str) -> None:
        near = did_you_mean(answer, re.findall(r"'([^']*)'", choices))
        super().__init__(f'"{answer}" is not a choice of {name}.', near)
        self.name, self.answer = name, answer


def _no_text(answer: str) -> RefusedError:
    return RefusedError(
        f'The answer "{answer}" is no text.',
        "If it stands in .copier-answers.yml, put it in quotes there, or take that edit back.",
    )


def _no_list(_answer: str) -> RefusedError:
    return RefusedError(
        "An answer is no list, and its question takes several choices.",
        "If it stands in .copier-answers.yml, write a list there, or take that edit back.",
    )


def _required(name: str) -> RefusedError:
    return RefusedError(
        f"The question {name} has no default answer, and there is no terminal to ask on.",
        f"Answer it with --data {name}=…",
    )


def _no_revision(ref: str) -> RefusedError:
    return RefusedError(
        f'The template has no version "{ref}".', "Give --version one of its tags or commits."
    )


def _unsafe(feature: str) -> RefusedError:
    return RefusedError(
        f"The template wants more than to render files ({feature}), which may run any code.",
        "If you trust it, use Copier itself: copier copy --trust.",
    )


# Copier tells these apart by their text alone.
_TRANSLATIONS: list[tuple[str, Callable[..., GeneratorError]]] = [
    (r"Validation error for question '(\w+)': (.*)", _invalid),
    (r"Invalid choice for '(\w+)': '?(.*?)'? is not in (\[.*\])", BadChoiceError),
    (r"Could not convert (.*) to string", _no_text),
    (r'Invalid answer "(.*?)" of type .* of type "str"', _no_text),
    (r"Not a YAML list: (.*)", _no_list),
    (r"'(NoneType|bool|int|float)' object is not iterable", _no_list),
    (r"Question \"(\w+)\" is required", _required),
    (r"Unknown revision: '(.*)'", _no_revision),
    (r"Template uses potentially unsafe features?: (.*?)\.\n", _unsafe),
]
