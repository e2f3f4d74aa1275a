"""Published known answers, and what this model finds."""
