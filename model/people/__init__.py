"""Who lives in the town: synthesis, families, homes, given tables, population."""
