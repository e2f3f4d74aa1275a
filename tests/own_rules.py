"""Rules of a user's own, as a user would write them to a file: the tests read it as one."""

import numpy as np

from safepassage.model.rules import Falls


class TwiceAsFast:
    """Everybody decides twice as fast; households with a car three times."""

    def rate_per_day(self, seen):
        return seen.rate_per_day * np.where(seen.has_car, 3.0, 2.0)


class FewTurns:
    """Short links are disliked: a way of few, long links is preferred to a quick one."""

    def cost_s(self, seen):
        return seen.time_s + 30.0


class Noon:
    """A hundred small impacts about the middle of the map, in the first half hour."""

    def falls(self, clock, chance, area, front):
        x_m, y_m = (area.west_m + area.east_m) / 2, (area.south_m + area.north_m) / 2
        return Falls(
            time_s=chance.uniform(0, min(1800.0, clock.duration_s), 100),
            x_m=x_m + chance.normal(0, 200, 100),
            y_m=y_m + chance.normal(0, 200, 100),
            size=["S"] * 100,
        )


decision, route_choice, hazard = TwiceAsFast(), FewTurns(), Noon()
