"""What a scenario asks of memory, told from its numbers and its streets before anything of that size is built."""

from collections.abc import Iterator

from safepassage.model.memory import BYTES, Need, refuse_needs
from safepassage.model.settings.scenario import Scenario
from safepassage.model.settings.services import Serves
from safepassage.model.streets.streets import Streets


def refuse_if_too_large(scenario: Scenario, streets: Streets, n_residents: int) -> None:
    """Raise ScenarioError, naming the key, if a run would need more memory than is free.

    Impacts and people of tables are looked at where their number is known (hazard/process.py, hazard/records.py,
    people/synthesis.py). scenario: what is to be run. streets: those of the model. n_residents: of all zones.
    """
    refuse_needs(needs_of(scenario, streets, n_residents))


def needs_of(scenario: Scenario, streets: Streets, n_residents: int) -> Iterator[Need]:
    """Yield what a run needs, key by key."""
    run, services = scenario.run, scenario.services
    duration_s = run.duration_h * 3600.0
    n_steps = duration_s / run.step_s
    yield Need("population.residents", n_residents, "people", BYTES["person"], "Give fewer, or use a larger machine.")
    yield Need("run.step_s", n_steps, "steps", BYTES["step"], "Give longer steps, or a shorter run.duration_h.")
    n_rows = min(n_steps, duration_s / run.record_every_s)
    row_bytes = BYTES["row"] + 100 * len(streets.exit_name)
    yield Need("run.record_every_s", n_rows, "rows of the time series", row_bytes, "Let more time pass between two.")
    table_bytes = 16 * streets.n_links + 20 * streets.n_nodes
    stops = (*services.pickup_points, *services.trains)
    yield Need("services.pickup_points", len(stops), "stops", 3 * table_bytes, "Name fewer stops, trains among them.")
    for number, fleet in enumerate(services.fleets):
        each = BYTES["vehicle"] + (table_bytes if fleet.serves == Serves.DOOR_TO_DOOR else 0)
        n_later = sum(one.n_vehicles for one in services.reinforcements if one.fleet == fleet.name)
        change = "Give fewer." if not n_later else "Give fewer, reinforcements among them."
        yield Need(f"services.fleets.{number}.n_vehicles", fleet.n_vehicles + n_later, "vehicles", each, change)
    each = BYTES["vehicle"] + table_bytes
    yield Need("services.ambulances.n", services.ambulances.n, "ambulances", each, "Give fewer.")
