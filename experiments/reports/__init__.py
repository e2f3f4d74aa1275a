"""What many runs say, as pages and pictures."""
