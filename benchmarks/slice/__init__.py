"""What is laid over a rendered service, as its user would add it."""
