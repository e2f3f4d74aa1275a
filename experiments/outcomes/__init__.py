"""The numbers that describe a run."""
