"""Tasks and slices written into projects."""
