"""See and mend the task queue of a running API: it lives in that process' memory, so by HTTP."""

from .client import OperationsError, open_operations

__all__ = ["OperationsError", "open_operations"]
