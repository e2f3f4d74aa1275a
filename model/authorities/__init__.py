"""Authorities: what they come to know while a run goes on, and what they do then."""
