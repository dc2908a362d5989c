"""What development and tests need beside the service; nothing here is installed with it."""
