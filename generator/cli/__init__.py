"""Parses what was typed, prints what was done; each command's work is in another room."""

from generator.cli.app import main

__all__ = ["main"]
