"""Everybody on the streets: driving, walking, routes, road news."""
