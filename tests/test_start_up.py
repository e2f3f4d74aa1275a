"""What is loaded, compiled and built before anything runs: only what is needed, and once."""

import subprocess
import sys

import numpy as np
import pytest
from scipy import stats

from safepassage.model.harm.expected_casualties import band
from safepassage.model.hazard.process import poisson_quantile


def _loaded_by(statement: str, *modules: str) -> list[str]:
    """Return which of the modules are loaded in a fresh process after a statement."""
    code = f"import sys; {statement}; print(*[m for m in {modules!r} if m in sys.modules])"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()


def test_the_help_of_the_command_line_loads_no_numbers_and_no_checks_of_scenarios():
    heavy = ("numpy", "pandas", "pydantic", "yaml", "mesa", "numba")
    assert _loaded_by("import safepassage.cli.main", *heavy) == []


def test_importing_the_model_leaves_out_what_only_some_runs_need():
    heavy = ("scipy.stats", "scipy.spatial", "networkx", "matplotlib", "pyproj", "mesa.visualization")
    assert _loaded_by("import safepassage.model.evacuation", *heavy) == []


@pytest.mark.parametrize(
    "asked", ["mesa.space.NetworkGrid", "mesa.discrete_space.CellAgent", "mesa.experimental.devs.ABMSimulator"]
)
def test_mesas_spaces_are_there_when_asked_for(asked):
    assert _loaded_by(f"import safepassage.model.evacuation, mesa; assert isinstance({asked}, type)", "mesa") == [
        "mesa"
    ]


def test_mesas_spaces_can_be_imported_by_name_after_the_model():
    statement = "import safepassage.model.evacuation; from mesa.discrete_space.network import Network; Network.mro()"
    assert _loaded_by(statement, "mesa.discrete_space.network") == ["mesa.discrete_space.network"]


def test_quantiles_are_those_of_scipy_stats():
    rng = np.random.default_rng(1)
    u, mean = rng.random(5_000), 10 ** rng.uniform(-9, 4, 5_000)
    u[:10], mean[5:15] = 0.0, 0.0
    np.testing.assert_array_equal(poisson_quantile(u, mean), np.maximum(stats.poisson.ppf(u, mean), 0))
    n, p = np.ceil(10 ** rng.uniform(0, 5, 2_000)), rng.random(2_000)
    low, high = band(n * p, n * p * (1 - p))
    fitted = np.maximum(np.ceil((n * p) ** 2 / (n * p - n * p * (1 - p)) - 1e-9), 1)
    share = np.minimum(n * p / fitted, 1)
    np.testing.assert_array_equal(low, stats.binom.ppf(0.025, fitted, share))
    np.testing.assert_array_equal(high, stats.binom.ppf(0.975, fitted, share))


def test_the_band_of_nothing_and_of_certainty_has_no_width():
    low, high = band([0.0, 3.0, 1e-300], [0.0, 0.0, 1e-300])
    assert low.tolist() == [0, 3, 0] and high.tolist() == [0, 3, 0]
