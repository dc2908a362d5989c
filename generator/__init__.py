"""The command `fastapi-tasks`: a thin layer over Copier's public API."""
