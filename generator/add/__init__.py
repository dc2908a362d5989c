"""New tasks and slices in a project: text, put among what is there, all of it or nothing."""
