"""What is left to gain beside the best plan of a search: how many more cars any plan of routes could bring out."""

import tempfile
from dataclasses import dataclass

import numpy as np

from safepassage.experiments.traffic.bounds import bounds_of
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.results.run_folder import open_run
from safepassage.model.settings.scenario import Scenario


@dataclass(frozen=True)
class Headroom:
    """Cars out by the end of one run under a plan, and the most that could be (`safepassage bounds`)."""

    trial: int
    """Trial of the plan; -1: the unchanged scenario."""
    n_cars: int
    """Cars that set out."""
    n_out: int
    """Cars out by the end of the run."""
    n_most: int
    """No plan of routes, and no traffic control, could have more of these cars out by then."""

    def told(self) -> str:
        """Return what is left to gain, in a sentence."""
        which = "the unchanged scenario" if self.trial < 0 else f"trial {self.trial}"
        return (
            f"Most people are out under {which}. There, in one run, {self.n_out:,} of the {self.n_cars:,} cars that "
            f"set out are out by the end; with the best routes at most {self.n_most - self.n_out:,} more could be out. "
            "Leaving earlier, seats and shorter ways to them are not bounded."
        )


def headroom(scenario: Scenario, trial: int) -> Headroom | None:
    """Return what is left to gain for the cars of one run; None if nobody sets out by car.

    scenario: with the plan laid over it. trial: that found the plan.
    """
    with tempfile.TemporaryDirectory() as folder:
        run = open_run(EvacuationModel(scenario).run().save(folder))
        if not (run.frame("trips")["mode"] == "CAR").any():
            return None
        found = bounds_of(run)
        most = float(found.most_out(np.array([found.end_s]))[0])
        n_out = int(np.isfinite(found.cars.out_s).sum())
    return Headroom(trial, found.n_cars, n_out, max(int(most), n_out))
