"""Whose fault it is that a stage did not pass."""

from __future__ import annotations

import os
import re
from traceback import format_exception_only
from typing import TYPE_CHECKING

from generator import disk
from generator.errors import GeneratorError
from generator.matrix import remembered
from generator.matrix.documented import MisbehavedError, ServerDiedError
from generator.matrix.job import FoundError, SkippedError
from generator.matrix.outcomes import Status
from generator.matrix.processes import CommandFailedError, StoppedError

if TYPE_CHECKING:
    from generator.matrix.job import Job
    from generator.matrix.stages import Stage

# Their messages say all; of any other exception the type has to be told too.
TOLD = (FoundError, MisbehavedError, CommandFailedError, GeneratorError, OSError)
HEARD = 0.5  # seconds after which a Ctrl-C that ended a command has reached this process too
# What a project says when no server can be had for its tests.
MISSING = re.compile(r"No (?:PostgreSQL|Redis|RabbitMQ): .*")
FAILED_TESTS = re.compile(r"^\d+ failed", re.MULTILINE)
BROKEN_SERVER = re.compile(r"(?:ServerMissing|Error): \S+ (?:did not start|ended by itself).*")


def judged(job: Job, stage: Stage) -> tuple[Status, str]:
    try:
        return Status.OK, remembered.checked(job, stage)
    except SkippedError as reason:
        return Status.SKIPPED, str(reason)
    except StoppedError:
        raise
    except Exception as error:  # one broken project must not end the run
        if job.processes.stopped.wait(HEARD):
            raise StoppedError from error
        return _cause(error)


def _cause(error: Exception) -> tuple[Status, str]:
    """Tell the machine's failures from those of the project."""
    if isinstance(error, ServerDiedError):
        return Status.MACHINE, str(error)
    told = isinstance(error, TOLD)
    said = str(error) if told else "".join(format_exception_only(error))
    text = f"{said}\n{getattr(error, 'output', '')}"
    if disk.FULL in text:
        return Status.MACHINE, f"{disk.FULL}: {text}"
    if found := BROKEN_SERVER.search(text):
        return Status.MACHINE, found[0]
    found = MISSING.search(text)
    if found and not FAILED_TESTS.search(text) and not os.environ.get("CI"):
        return Status.SKIPPED, found[0]
    return Status.FAILED, text
