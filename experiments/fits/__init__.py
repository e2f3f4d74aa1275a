"""Fitting the model to what was reported."""
