"""What the contract needs to know of RabbitMQ."""

SETTINGS: dict[str, str] = {}
RECOVERY = 10.0  # seconds: it delivers again as soon as the connection is gone
