"""Who is hurt: people near impacts, injuries, cover, drones and crossfire on the road, expected casualties."""
