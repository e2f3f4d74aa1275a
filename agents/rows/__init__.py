"""Pooled rows: arrays that behave as Mesa agents when somebody looks."""
