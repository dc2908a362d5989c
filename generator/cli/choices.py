"""`fastapi-tasks choices`: what each backend promises, from the one table."""

from __future__ import annotations

from typing import Any

from generator.template import questions


def choices() -> dict[str, Any]:
    """List the backends that can be chosen, each with its sentence and its promises."""
    backends, promises = questions.table("backends"), questions.table("promises")
    asked = next(q for q in questions.load() if q.name == "task_backend")
    return {
        "default": asked.default,
        "promises": promises,
        "backends": {
            name: {key: backends[name][key] for key in ("title", "sentence", "promises")}
            for name in asked.choices
        },
    }
