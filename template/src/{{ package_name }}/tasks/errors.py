"""What can go wrong with a task.

TaskError
├── TaskDefinitionError     the decorated function cannot be a task (at import)
├── TaskArgumentsError      the arguments do not fit the function (at enqueue, in the worker)
├── UnknownTaskError        no function has the message's name (in the worker)
└── DoNotRetry              raised by a task: trying again cannot help
"""


class TaskError(Exception):
    pass


class TaskDefinitionError(TaskError):
    pass


class TaskArgumentsError(TaskError):
    pass


class UnknownTaskError(TaskError):
    pass


class DoNotRetry(TaskError):  # noqa: N818 - an order to the runner
    pass
