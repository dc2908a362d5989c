"""One call to Copier, and its errors in words for the person who typed the command."""

from __future__ import annotations

import os
import re
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from platformdirs import user_config_path

from generator.template import questions
from generator.errors import GeneratorError, RefusedError, did_you_mean
from generator.template.faster import faster

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from collections.abc import Set as AbstractSet
    from pathlib import Path


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
    template: Path,
    folder: Path,
    given: Mapping[str, str],
    suggested: Mapping[str, str],
    *,
    ask: bool,
) -> Rendered:
    """Render the template for a person; refuse an answer that it has no use for."""
    rendered = copied(template, folder, given, suggested, ask=ask, prefer=True)
    _refuse_unused(given, rendered.answers)
    return rendered


def copied(  # noqa: PLR0913 (each one is a setting of a render)
    template: Path,
    folder: Path,
    given: Mapping[str, Any],
    suggested: Mapping[str, str] | None = None,
    *,
    ask: bool = False,
    prefer: bool = False,
    answers_file: str | None = None,
) -> Rendered:
    """Call Copier; if this person's preferences count, its settings answer what is asked."""
    # Copier takes a third of a second to load; --help and refusals need not wait for it.
    import copier  # noqa: PLC0415 (slow to load)
    from copier.errors import (  # noqa: PLC0415 (slow to load)
        CopierError,
        InteractiveSessionError,
    )
    from jinja2 import TemplateError  # noqa: PLC0415 (slow to load)
    from yaml import YAMLError  # noqa: PLC0415 (slow to load)

    preferred: dict[str, Any] = {}
    try:
        preferred |= _preferred(template) if prefer else {}
        with faster(), warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("default")
            done = copier.run_copy(
                str(template),
                folder,
                dict(given),
                # Who trusts this template elsewhere has not said so here.
                settings=copier.Settings(defaults=preferred),
                defaults=not ask,
                user_defaults=dict(suggested or {}),
                answers_file=answers_file,
                overwrite=True,
                quiet=True,
                unsafe=False,
            )
    except KeyboardInterrupt:  # at a question, it is a CopierError too
        raise
    except InteractiveSessionError as error:  # Ctrl-D: who has no terminal is not asked
        raise KeyboardInterrupt from error
    except (CopierError, TemplateError, YAMLError, ValueError, TypeError, OSError) as error:
        raise _translated(error, template, preferred.keys() - given.keys()) from error
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


def _preferred(template: Path) -> dict[str, Any]:
    """Give the default answers of Copier's own settings to what the template asks."""
    import copier  # noqa: PLC0415 (slow to load)
    from copier.errors import SettingsError  # noqa: PLC0415 (slow to load)

    try:
        defaults = copier.load_settings().defaults
    except RuntimeError:  # who has no home folder has no settings
        return {}
    except (SettingsError, OSError, UnicodeError) as error:
        raise GeneratorError(
            f"Copier's own settings file cannot be used: {_settings_file()}: {error}",
            "Correct it, or name another with COPIER_SETTINGS_PATH.",
        ) from error
    asked = questions.asked(template) if defaults else set()
    return {name: value for name, value in defaults.items() if name in asked}


def _settings_file() -> str:
    given = os.environ.get("COPIER_SETTINGS_PATH")
    return given or str(user_config_path("copier", appauthor=False) / "settings.yml")


def _refuse_unused(given: Mapping[str, str], answers: Mapping[str, Any]) -> None:
    """Refuse what Copier drops in silence: a key nobody asks for, a choice that does not exist."""
    for name, text in given.items():
        if name not in answers:
            raise questions.unknown(name, answers)
        if isinstance(answers[name], list) and len(answers[name]) != len(_items(text)):
            raise RefusedError(
                f'"{text}" holds a choice that {name} does not have.',
                f"The template kept: {', '.join(answers[name]) or 'none of them'}.",
            )


def _items(text: str) -> list[str]:
    return [item for item in text.strip("[] ").split(",") if item.strip()]


def _translated(error: Exception, template: Path, preferred: AbstractSet[str]) -> GeneratorError:
    found = _in_words(error, template)
    if preferred:
        names = ", ".join(sorted(preferred))
        found.remedy += f" ({_settings_file()} has defaults of: {names}.)"
    return found


def _in_words(error: Exception, template: Path) -> GeneratorError:
    text = str(error)
    for pattern, translate in _TRANSLATIONS:
        if found := re.match(pattern, text, re.DOTALL):
            return translate(*found.groups())
    if isinstance(error, OSError):
        return GeneratorError(f"The project cannot be written: {text}.", "Nothing was left behind.")
    return GeneratorError(f"Copier cannot render the template at {template}: {text}")


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
    (r"Template uses potentially unsafe features?: (.*?)\.\n", _unsafe),
]
