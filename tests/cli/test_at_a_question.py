"""Who leaves at a question of `new` has interrupted it: by Ctrl-C, or by Ctrl-D."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from generator.template import questions
from tests.support import child_environment

if TYPE_CHECKING:
    from pathlib import Path

CTRL_C, CTRL_D, CTRL_U = "\x03", "\x04", "\x15"


@pytest.mark.parametrize(
    ("answered", "question", "keys"),
    [
        ("", "project_name", CTRL_C),
        ("", "project_name", CTRL_U + CTRL_D),
        ("--project-name=tea --package-name=tea --description=tea", "task_backend", CTRL_C),
    ],
)
def test_left(checkout: Path, tmp_path: Path, answered: str, question: str, keys: str) -> None:
    helps = {each.name: each.help for each in questions.load(checkout)}
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "generator", "new", "tea", *answered.split()]
    environment = child_environment(checkout, PROMPT_TOOLKIT_NO_CPR="1", TERM="xterm")
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdin=theirs, stdout=theirs, stderr=theirs
    ) as process:
        os.close(theirs)
        shown = _answered(ours, helps[question], keys)
        assert process.wait(timeout=60) == 130, shown

    assert shown.endswith("Interrupted: nothing was left behind.\r\n")
    assert "Traceback" not in shown
    assert list(tmp_path.iterdir()) == []


def _answered(terminal: int, question: str, keys: str) -> str:
    """Press these keys when the question appears; return all that was shown."""
    shown, pressed = "", False
    while True:
        try:
            shown += os.read(terminal, 65536).decode(errors="replace")
        except OSError:  # the terminal is closed: the command has ended
            os.close(terminal)
            return shown
        if question in shown and not pressed:
            os.write(terminal, keys.encode())
            pressed = True
