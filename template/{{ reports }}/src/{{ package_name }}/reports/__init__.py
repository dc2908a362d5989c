"""Reports: rows of a period, written to a CSV or PDF file by a task, fetched until they expire."""
