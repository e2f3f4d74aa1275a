"""What a scenario comes to before it is run: its streets, its people, its shelling, and what was assumed."""

from safepassage.model.evacuation import EvacuationModel
from safepassage.model.people import margins
from safepassage.model.settings.scenario import Scenario


def overview(scenario: Scenario) -> list[str]:
    """Build everything that a run of the scenario needs, run nothing, and return what is worth knowing about it.

    Raises ScenarioError if a file that it names cannot be used.
    """
    model = EvacuationModel(scenario)
    streets = model.streets
    return [
        f"streets: {streets.n_nodes:,} nodes, {streets.n_links:,} links; exits: {', '.join(streets.exit_name)}",
        f"people: {len(model.people):,} in {len(model.households):,} households, {len(model.zones.name)} zones",
        margins.summary(model.margins),
        f"shelling: {len(model.impacts):,} impacts in {scenario.run.duration_h:g} h",
        *(f"note: {line}" for line in model.report()),
    ]
