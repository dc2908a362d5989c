"""Work that runs after the response. What application code needs is here."""

from .errors import DoNotRetry, TaskArgumentsError
from .message import current_message
from .progress import progress
from .task import Retry, task

__all__ = ["DoNotRetry", "Retry", "TaskArgumentsError", "current_message", "progress", "task"]
