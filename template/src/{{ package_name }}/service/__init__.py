"""What slices stand on: the unit of work, problem details, idempotency, settings, logging."""
