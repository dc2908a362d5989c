"""What the contract needs to know of Redis."""

TIME_LIMIT = 60  # seconds; no less than the timeouts of the probe's tasks
DELAY_STEP = 2
SETTINGS = {"TASK_TIME_LIMIT": str(TIME_LIMIT), "TASK_DELAY_STEP": str(DELAY_STEP)}
RECOVERY = TIME_LIMIT + DELAY_STEP + 10 + 10  # the visibility timeout, and until it is looked at
