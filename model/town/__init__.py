"""What still stands and is open: damage, clearing, closures, buildings, utilities, shelters."""
