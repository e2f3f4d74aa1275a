"""This project against its peers: the same streets and trips, in one run, with ratios."""
