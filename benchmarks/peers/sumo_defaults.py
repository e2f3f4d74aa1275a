"""SUMO's mesoscopic model as a user gets it: its own headways for jams, so a lower flow out of them."""

from benchmarks.city import City
from benchmarks.peers import Outcome, sumo

version = sumo.version


def run(city: City) -> Outcome:
    """Drive everyone out."""
    return sumo.run(city, same_headways=False)
