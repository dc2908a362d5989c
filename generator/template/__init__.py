"""What a template is: its source, versions and questions; a new project of it."""
