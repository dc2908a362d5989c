"""A project's way to another version or other answers: plan, merge, apply, undo."""
