"""Combinations, stages, seeded faults, what a run survives."""
