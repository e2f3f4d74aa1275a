"""Carrying out runs: workers, executors, and the store of finished runs."""
