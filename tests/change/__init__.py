"""Update, switch, undo, status."""
