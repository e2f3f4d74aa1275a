"""Likelihood-free inference with pyABC, its simulations carried out in batches that are kept.

pyABC (Schaelte et al. 2022, JOSS 7:4304; BSD) holds the algorithm: sequential Monte Carlo with a multivariate normal
kernel and the median of the last distances as next threshold (Toni et al. 2009). The kernel has twice the covariance of
the last generation (Beaumont et al. 2009): pyABC's own, narrower one leaves a few dozen particles with most of the
weight on two or three. Its own samplers give another result
for another number of workers. This one draws each proposal from a seed of its own, and takes the accepted in the order
of the proposals: the same posterior, bit for bit, whatever the workers; and a calibration that was killed goes on by
replaying what is kept.
"""

import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from safepassage.model.settings.base import ScenarioError

KERNEL_WIDTH = 2**0.5
"""Standard deviation of the kernel over that of the last generation (Beaumont et al. 2009, Biometrika 96:983)."""

Simulate = Callable[[list[dict[str, float]], list[int]], list[float]]
"""Parameters in the unit cube and a seed, of each simulation -> distance of each from what was observed."""


class _Wanted(Exception):
    """Raised in the place of a simulation that has not been carried out yet."""


@dataclass(frozen=True)
class Posterior:
    """Accepted particles of all generations, and how the generations went."""

    particles: pd.DataFrame
    """One row per particle: generation, weight (sums to 1 in each generation), distance, seed, parameters in [0, 1]."""
    generations: pd.DataFrame
    """One row per generation: generation, threshold, n_simulations, acceptance, n_effective (particles of equal weight
    that would say as much: Kish 1965)."""

    @property
    def last(self) -> pd.DataFrame:
        """Particles of the last generation."""
        return self.particles[self.particles["generation"] == self.particles["generation"].max()]


def infer(
    names: list[str],
    simulate: Simulate,
    *,
    n_particles: int,
    n_generations: int,
    seed: int,
    batch: int,
    stop_at_distance: float = 0.0,
    stop_at_acceptance: float = 0.03,
    max_simulations: float = np.inf,
    on_generation: Callable[[int, int, int], None] | None = None,
) -> Posterior:
    """Return the posterior of parameters that are uniform in the unit cube beforehand.

    names: of the parameters. simulate: returns the distance of each simulation from what was observed. The search ends
    after n_generations, or once the distance allowed is below stop_at_distance, the share accepted below
    stop_at_acceptance, or max_simulations are reached. seed: fixes all proposals and simulations.
    batch: simulations asked for at once; does not change the result. on_generation(generation, n_accepted,
    n_particles) is called as particles are accepted. Raises ScenarioError if pyABC is missing.
    """
    try:
        import pyabc
    except ImportError:
        raise ScenarioError("calibrate needs pyABC; pip install 'safepassage[calibrate]'.") from None
    logging.getLogger("ABC").setLevel(logging.ERROR)
    state = np.random.get_state()
    model = _KeptModel(simulate)
    abc = pyabc.ABCSMC(
        models=pyabc.FunctionModel(model, name="evacuation"),
        parameter_priors=pyabc.Distribution(**{name: pyabc.RV("uniform", 0, 1) for name in names}),
        distance_function=pyabc.FunctionDistance(lambda x, x_0: x["distance"]),
        population_size=n_particles,
        transitions=pyabc.MultivariateNormalTransition(bandwidth_selector=lambda n, d: KERNEL_WIDTH),
        eps=pyabc.MedianEpsilon(),
        sampler=_sampler(pyabc, model, seed, batch, on_generation or (lambda *_: None)),
    )
    try:
        abc.new("sqlite://", {"distance": 0.0})
        history = abc.run(
            minimum_epsilon=stop_at_distance, max_nr_populations=n_generations,
            min_acceptance_rate=stop_at_acceptance, max_total_nr_simulations=max_simulations,
        )  # fmt: skip
        return _posterior(history, names, model.by_parameters(names))
    finally:
        np.random.set_state(state)


class _KeptModel:
    """The model that pyABC calls: gives what is known, asks for what is not."""

    def __init__(self, simulate: Simulate):
        self._simulate = simulate
        self._known: dict[tuple[int, int], float] = {}
        self._asked: dict[tuple[int, int], tuple[dict[str, float], int]] = {}
        self.tag = (0, 0)
        self.run_seed = 0
        self.wanted: list[tuple[int, int]] = []

    def __call__(self, parameters) -> dict[str, float]:
        if self.tag not in self._known:
            self._asked[self.tag] = dict(parameters), self.run_seed
            self.wanted.append(self.tag)
            raise _Wanted
        return {"distance": self._known[self.tag]}

    def carry_out(self):
        """Simulate what was asked for."""
        asked = [self._asked[tag] for tag in self.wanted]
        distances = self._simulate([parameters for parameters, _ in asked], [seed for _, seed in asked])
        self._known |= dict(zip(self.wanted, distances, strict=True))
        self.wanted = []

    def by_parameters(self, names: list[str]) -> dict[tuple, tuple[float, int]]:
        """Return values of the parameters -> distance and seed; no two proposals are the same."""
        return {
            tuple(parameters[name] for name in names): (self._known[tag], seed)
            for tag, (parameters, seed) in self._asked.items()
        }


def _sampler(pyabc, model: _KeptModel, seed: int, batch: int, on_generation):
    class InBatches(pyabc.sampler.Sampler):
        """Draws proposals, has the batch simulated, then evaluates the same proposals again."""

        def sample_until_n_accepted(
            self, n, simulate_one, t, *, max_eval=np.inf, all_accepted=False, ana_vars=None
        ):  # fmt: skip
            sample, k = self._create_empty_sample(), 0
            on_generation(max(t, 0), 0, n)
            while sample.n_accepted < n and k < max_eval:
                members = range(k, k + max(batch, n - sample.n_accepted if all_accepted or t <= 0 else 0))
                for i in members:
                    with contextlib.suppress(_Wanted):
                        self._proposal(simulate_one, t, i)
                model.carry_out()
                for i in members:
                    if sample.n_accepted < n:
                        sample.append(self._proposal(simulate_one, t, i))
                        k = i + 1
                on_generation(max(t, 0), sample.n_accepted, n)
            self.nr_evaluations_ = k
            sample.ok = sample.n_accepted >= n
            return sample

        def _proposal(self, simulate_one, t, i):
            """Proposal i of generation t: drawn from a seed of its own, so that it is the same whenever it is drawn."""
            model.tag = (max(t, 0), i)
            drawn, model.run_seed = np.random.SeedSequence((seed, *model.tag)).generate_state(2).tolist()
            np.random.seed(drawn)
            return simulate_one()

    return InBatches()


def _posterior(history, names: list[str], known: dict[tuple, tuple[float, int]]) -> Posterior:
    parts, rows = [], []
    populations = history.get_all_populations().set_index("t")
    for t in range(history.max_t + 1):
        frame, weight = history.get_distribution(m=0, t=t)
        found = [known[values] for values in frame[names].itertuples(index=False, name=None)]
        part = frame[names].reset_index(drop=True)
        part.columns.name = None
        part.insert(0, "seed", [seed for _, seed in found])
        part.insert(0, "distance", [distance for distance, _ in found])
        part.insert(0, "weight", weight / weight.sum())
        part.insert(0, "generation", t)
        parts.append(part)
        n_simulations = int(populations.loc[t, "samples"])
        rows.append(
            {"generation": t, "threshold": float(populations.loc[t, "epsilon"]), "n_simulations": n_simulations,
             "acceptance": len(frame) / max(n_simulations, 1), "n_effective": weight.sum() ** 2 / (weight**2).sum()}
        )  # fmt: skip
    return Posterior(pd.concat(parts, ignore_index=True), pd.DataFrame(rows))
