"""Every combination of answers through its stages, in an environment of its own."""
