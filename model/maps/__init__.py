"""From the map files that planners have to a town of the model: streets, exits, zones, buildings, places."""
