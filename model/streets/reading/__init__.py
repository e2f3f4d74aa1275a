"""Street graphs from files: what they list, as texts in columns, and what those texts mean."""
