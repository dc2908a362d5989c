"""Sources, versions, questions, a new project."""
