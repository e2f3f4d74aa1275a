"""Seats and care: buses, trains, ambulances."""
