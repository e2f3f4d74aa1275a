"""What falls, whatever anyone does: impacts, their process, records, the front, drones."""
