"""What the page says: what is at a place, what has happened, where a name is."""
