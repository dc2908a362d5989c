"""What tutorials claim of background tasks and queues, tried as they have it, without our engine.

docs/claims.md has the verdicts.
"""
