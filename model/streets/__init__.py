"""How a map becomes arrays: reading, street classes, exits, zones, report."""
