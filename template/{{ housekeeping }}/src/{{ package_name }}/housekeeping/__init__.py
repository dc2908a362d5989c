"""What a service does on a schedule: old temporary files go, the rows of each day are counted."""
