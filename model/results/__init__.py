"""What leaves a run: recorded tables, the run's folder, measures and their words."""
