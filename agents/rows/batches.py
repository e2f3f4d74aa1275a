"""Mesa's batch_run and seeds: each of its iterations gets a seed of its own."""

import inspect
import sys
from typing import Any


def iteration_of_batch() -> int:
    """Return the iteration of Mesa's batch_run that a model is being built for, from 0; 0 outside of a batch.

    Mesa 3 hands it to no model, so it is read from Mesa's own function that builds the model.
    """
    builder = getattr(getattr(_batchrunner(), "_model_run_func", None), "__code__", None)
    frame = sys._getframe(1) if builder else None
    while frame is not None:
        if frame.f_code is builder:
            found = frame.f_locals.get("iteration", 0)
            return found if isinstance(found, int) else 0
        frame = frame.f_back
    return 0


def seed_in_batch(seed: int, rng: Any, is_given: bool) -> int:
    """Return the seed of a model: its own, or in an iteration of batch_run that has none yet, that plus the iteration.

    rng: the argument of the model, or None. is_given: whether the seed is a parameter by another name. From Mesa 3.5
    on, batch_run has an argument rng with a seed for each iteration. Raises ValueError where a batch would run one seed
    once per iteration.
    """
    iteration = iteration_of_batch()
    if not iteration or (rng is not None and "rng" in inspect.signature(_batchrunner().batch_run).parameters):
        return seed
    if is_given or rng is not None:
        raise ValueError(
            f"batch_run: iteration {iteration} would repeat seed {seed}, which a parameter gives. "
            "Give seeds, as run.seed = [1, 2, 3] with iterations=1, or iterations=3 and no seeds."
        )
    return (seed + iteration) % 2**64


def _batchrunner() -> Any:
    """Return Mesa's module of batches; None if nothing has imported it, or, from Mesa 4 on, if there is none."""
    return sys.modules.get("mesa.batchrunner")
