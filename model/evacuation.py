"""The model: a town's households under shelling, as a Mesa model."""

from collections import deque
from datetime import datetime
from math import ceil
from pathlib import Path
from time import perf_counter
from typing import Any, Self

import numpy as np

from safepassage.agents.civilians import Civilian
from safepassage.agents.households import Household
from safepassage.agents.rows.batches import seed_in_batch
from safepassage.agents.rows.rows import RowModel
from safepassage.agents.shelters import Shelter
from safepassage.agents.vehicles import ServiceAgents
from safepassage.collector import at_rest, keep_freed
from safepassage.model.authorities.acts import Authorities
from safepassage.model.behaviour.curfew import curfew_hours
from safepassage.model.built_once import ground_of, people_of
from safepassage.model.clock import MINUTE_S, local_time
from safepassage.model.departures import Departures, never_issued
from safepassage.model.draws import Stream, keys_of, uniforms_for
from safepassage.model.harm.expected_casualties import against_records
from safepassage.model.harm.under_fire import UnderFire
from safepassage.model.hazard import shelling
from safepassage.model.hazard.front import front_of
from safepassage.model.hazard.truces import Truces
from safepassage.model.maps.save import as_file
from safepassage.model.memory import refuse_scenario
from safepassage.model.minds import minds_of
from safepassage.model.movement.movement import Movement
from safepassage.model.people import margins
from safepassage.model.people.population import Population
from safepassage.model.results import run_folder
from safepassage.model.results.recorder import Recorder, StatusCounts
from safepassage.model.rules import Rules, rules_of
from safepassage.model.services.layout import layout_of
from safepassage.model.services.services import Services
from safepassage.model.services.ways_out import WaysOut
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.behaviour import Order
from safepassage.model.settings.files.portable import as_kept, files_in, name_of
from safepassage.model.settings.scenario import NO_PLAN, Scenario, load
from safepassage.model.state import state_file
from safepassage.model.town.surroundings import Surroundings
from safepassage.model.turn import Turn


class EvacuationModel(RowModel):
    """An evacuation under shelling, built from a scenario; `step()` advances it by `run.step_s`.

    `EvacuationModel("tiny_town")`, `EvacuationModel("town.yaml", plan="early.yaml", rng=7, **{"run.duration_h": 3})`.
    State lives in arrays with one entry per row: `people` (by person), `households` and `parties` (by household, then
    by service vehicle), `streets` (by node or link), `impacts` (by impact); the classes of the same names give dtype
    and unit of each. `agents_by_type[Civilian]` and `[Household]` are handles on these rows; shelling events and
    evacuation routes are ordinary Mesa agents. `time_s`: since the start of the run (s).
    """

    settings: Scenario
    """What is simulated; Mesa 3.5 keeps a thing of its own under the name `scenario`."""

    @at_rest()
    def __init__(
        self,
        scenario: Scenario | str = "tiny_town",
        *,
        plan: Any = None,
        rng: Any = None,
        rules: Rules | None = None,
        streets: Any = None,
        **kwargs: Any,
    ) -> None:
        """Build the town, its people and everything that falls during the run; nothing has happened yet.

        scenario: name of a shipped scenario, path of a scenario file, or a `Scenario`. plan: name or path of a plan to
        lay over it; a `Scenario` has its plan already. rng: seed, a whole number from 0 to 2**64 - 1, instead of
        run.seed; in an iteration of Mesa's batch_run without either, the scenario's seed plus the iteration. rules:
        rules of the user's own, as `Rules`, or the path of a Python file that defines them; see model/rules.py.
        streets: a networkx.MultiDiGraph with OSMnx's attributes, instead of the file that streets.network names.
        kwargs: dotted keys of the scenario with their values, such as `**{"run.duration_h": 3}`.
        Raises InvalidScenario, which lists every wrong key; ScenarioError for a file that cannot be used; RuleError
        for a rule that cannot be.
        """
        keep_freed()
        if isinstance(scenario, Scenario) and plan is not None:
            raise ScenarioError(f"plan = {plan}: a Scenario has its plan already; give load(name, plan=...) instead.")
        if not isinstance(scenario, Scenario):
            scenario = load(scenario, plan=plan)
        if rng is not None:
            kwargs = {**kwargs, "run.seed": int(rng)}
        if streets is not None:
            kwargs = {**kwargs, "streets.network": str(as_file(streets))}
        is_seed_given = "run.seed" in kwargs
        scenario = scenario.override(kwargs) if kwargs else scenario
        seed = seed_in_batch(scenario.run.seed, rng, is_seed_given)
        scenario = scenario if seed == scenario.run.seed else scenario.override({"run.seed": seed})
        super().__init__(rng=scenario.run.seed % 2**32)
        self.settings, self.seed = scenario, scenario.run.seed
        self.rules = rules_of(rules)
        started = perf_counter()
        self.time_s, self.tick, self._n_writes_seen = 0.0, 0, 0
        self.stepped_s = 0.0
        """When the present step ends, or the last one ended (s); `run` lets time be ahead of it."""
        self._is_watched = True
        """Whether anybody may look at the model after each step."""
        self.resident_s = 0.0
        """Seconds that people have spent in the area, in total."""
        self.duration_s = self.settings.run.duration_h * 3600.0
        self._build_world()
        self._build_people()
        self._build_agents()
        self.recorder = Recorder(self)
        self.datacollector = StatusCounts()
        self.timings_s = {"build": perf_counter() - started, "run": 0.0}
        self.recorder.record()

    def _build_world(self):
        scenario = self.settings
        self.streets, self.streets_report, self.zones, self.area = ground_of(scenario.streets, scenario.population)
        streets = self.streets
        n_residents = int(self.zones.residents.sum())
        refuse_scenario(scenario, n_residents, streets.n_nodes, streets.n_links, len(streets.exit_name))
        self._front = front = front_of(scenario.front, self.area, scenario.run, scenario.shelling.time_zone)
        drawn = shelling.shell(scenario.shelling, self.area, scenario.run, self.seed, front, self.rules.hazard)
        self.truces = Truces(scenario, self.streets, self.zones)
        self.impacts = self.truces.suspend(drawn)

    def _build_people(self):
        scenario, seed = self.settings, self.seed
        town = people_of(scenario.population, scenario.streets, seed, scenario.institutions)
        self.households, self.people, self._people_notes, self.margins = town
        self.population = Population(self.households, self.people)
        self.parties = self.population.parties
        n = len(self.households)
        self.information, self.decision = minds_of(
            scenario, self.streets, self.households, self.people, self._front, self.rules.decision
        )
        self.curfew = curfew_hours(scenario.curfew, scenario.run, scenario.shelling.time_zone)
        room = self._services_layout = layout_of(scenario.services, self.streets)
        keys = keys_of(self.households)
        u_news = np.array([uniforms_for(seed, Stream.ROAD_NEWS, keys, index=i) for i in range(2)])
        self.movement = Movement(
            scenario.movement, self.streets, n, room.stop_node, room.n_vehicles, room.n_tables, u_news,
            self.rules.route_choice,
        )  # fmt: skip
        minds = self.information, self.decision, self.movement, self.truces
        self.departures = Departures(scenario, self.zones.name, self.population, self.curfew, *minds)
        self.surroundings = Surroundings(scenario, self.streets, self.area, self.zones, self.households, seed)
        self.surroundings.advance(0.0)
        self.surroundings.tell(self.movement, 0.0)
        self.service_agents = ServiceAgents()
        self.under_fire = UnderFire(
            scenario, self.impacts, self.population, self.movement, self.surroundings, self.information, self.decision,
            self.service_agents, self.truces,
        )  # fmt: skip

    def _build_agents(self):
        self.adopt_rows(Civilian, self.people)
        self.adopt_rows(Household, self.households)
        self.shelters = self.surroundings.shelters
        for row in range(len(self.shelters)):
            Shelter(self, row)
        self.shelling_events = deque()
        self.ways_out = WaysOut(self)
        self.routes, self.exit_of_node = self.ways_out.routes, self.ways_out.exit_of_node
        self.services = Services(self, self._services_layout)
        self.authorities = Authorities(self)
        self.turn = Turn(self)

    @property
    def space(self) -> Any:
        """The town as a space of Mesa's for its space components; see model.results.town_space.py."""
        from safepassage.model.results.town_space import TownSpace  # loads Mesa's spaces

        return TownSpace(self)

    def step(self) -> None:
        """Advance by run.step_s, from minute to minute: what is due happens, people decide, move and are harmed."""
        began = perf_counter()
        step_s = self.settings.run.step_s
        if self.time_s >= self.stepped_s:  # else the last step was interrupted, and is taken to its end
            self.stepped_s = min(self.stepped_s + step_s, self.duration_s)
        end_s = self.stepped_s
        may_be_ahead = step_s % MINUTE_S == 0.0 and not self._is_watched
        until_s = self.end_of_step_s(self.recorder.next_s) if may_be_ahead else end_s
        if self.n_writes != self._n_writes_seen:
            self.look_again()
        was_quiet = True
        while self.time_s < end_s:
            was_quiet &= self.turn.take(until_s)
        self.tick += 1
        self.recorder.record(was_quiet=was_quiet)
        if self._is_watched:
            self._show_rates()
        self.datacollector.collect(self)
        self.running = end_s < self.duration_s
        self.timings_s["run"] += perf_counter() - began

    def _show_rates(self) -> None:
        """Show for whoever looks on at which rate each household decides."""
        self.decision.show_rates(self.surroundings.utilities.lost_since_s)

    def end_of_step_s(self, time_s: float) -> float:
        """Return when the first step ends, of the present one and those to come, that does not end before a time (s).

        time_s: may be inf or -inf: then it is the end of the run, or of the present step.
        """
        step_s, after_s = self.settings.run.step_s, min(time_s, self.duration_s) - self.stepped_s
        n_steps = ceil(after_s / step_s) if after_s > 0.0 else 0
        return min(self.stepped_s + n_steps * step_s, self.duration_s)

    def look_again(self) -> None:
        """Find anew who is due, hurt, alerted and counted: call it after you have written into columns yourself.

        What is written through handles and sets of agents is noticed without it.
        """
        self._n_writes_seen = self.n_writes
        self.population.look_again()
        self.under_fire.look_again()
        self.services.wake()

    @property
    def next_s(self) -> float:
        """The agenda: nothing happens before this but that time passes and, at their pace, that households decide (s).

        -inf: something may happen at any moment, as while somebody moves.
        """
        return -np.inf if self.movement.n_moving else self.turn.agenda_s

    def run(self, on_step: Any = None) -> "EvacuationModel":
        """Step until run.duration_h is over and return the model; on_step: called with the model after each step.

        If nobody looks at the model after each step, turns go on beyond the ends of steps of whole minutes. Each step
        is taken and its people are counted all the same, as they were at its end.
        """
        self._is_watched = on_step is not None or self._has_own_parts
        try:
            while self.running:
                self.step()
                if on_step is not None:
                    on_step(self)
        finally:
            self._is_watched = True
            self._show_rates()
        return self

    @property
    def _has_own_parts(self) -> bool:
        """Whether a step, a collector or, from Mesa 3.5 on, an event of the user's own may look at the model."""
        wrapped = getattr(self.step, "__func__", None)
        has_own_step = wrapped is not RowModel._wrapped_step or type(self).step is not EvacuationModel.step
        has_own_events = len(getattr(self, "_event_list", ())) > 1  # one is the step
        return has_own_step or has_own_events or not getattr(self.datacollector, "counts_only", False)

    def issue(self, order: Order) -> None:
        """Add an evacuation order to the scenario's: an `Order` of model/settings/behaviour.py with its own moment.

        Raises ScenarioError if it names a zone that the town does not have.
        """
        self.departures.orders_due.expect(order)

    @property
    def clock(self) -> datetime:
        """Local date and time of the present."""
        return local_time(self.settings.run.start, self.time_s, self.settings.shelling.time_zone)

    @property
    def n_parties_on_streets(self) -> int:
        """Households on the streets in a car or on foot; service vehicles are left out."""
        return self.movement.n_moving - self.services.n_driving

    def report(self) -> list[str]:
        """Return what was repaired, assumed, left out or met with on the way, one sentence each."""
        town = (*self.streets_report.notes, *self.zones.report, *self._people_notes, *never_issued(self.settings))
        harm = against_records(self.under_fire.harm.expected.mean, self.resident_s / 3600.0)
        roads = [*self.surroundings.report, *self.movement.gridlocks.report(), *self.recorder.report()]
        return [*town, *self.impacts.report, *self.authorities.report(self.time_s), *roads, *harm]

    def save(self, folder: Path | str = "runs") -> Path:
        """Write all tables and the manifest of the run so far to a new folder, and return its path.

        folder: where the new folder SCENARIO[-PLAN]-seedSEED is made; if it is there already, a number is added, so
        that nothing is overwritten. Raises ScenarioError if nothing can be written there; then nothing is left behind.
        """
        scenario = self.settings
        name = scenario.name if scenario.plan == NO_PLAN else f"{scenario.name}-{scenario.plan}"
        target = Path(folder) / f"{name}-seed{self.seed}"
        manifest = {
            "scenario": as_kept(scenario, target),
            "written_by_user": scenario.source.keys,
            "seed": self.seed,
            "simulated_s": self.time_s,
            "warning_time_s": self.departures.warning_time_s,
            "crs": self.streets.crs,
            "versions": run_folder.versions(),
            "inputs": {name_of(path, target): run_folder.file_digest(path) for path in files_in(scenario)},
            "timings_s": self.timings_s,
            "report": self.report(),
            "rules": self.rules.described(),
            "synthesis": margins.rows(self.margins),
        }
        return run_folder.write_run(target, self.recorder.tables(), manifest)

    def save_state(self, path: Path | str) -> Path:
        """Write the state of the model at this moment to a file, from which `from_state` goes on; return its path.

        Raises ScenarioError if the file is there already, or cannot be written.
        """
        return state_file.taken(self, apart=False).write(Path(path))

    @classmethod
    def from_state(cls, path: Path | str, plan: Path | str | Scenario | None = None, rules: Any = None) -> Self:
        """Return a model that goes on where `save_state` was called, bit for bit as if it had not been interrupted.

        plan: another plan, or scenario, from that moment on. rules: those of the user's own that the run was made with;
        what they remember is not kept. Raises ScenarioError, naming the keys, if the plan would change the past.
        """
        state = state_file.saved(path)
        state.demand_rules(rules_of(rules).described())
        model = cls(state.scenario(plan), rules=rules)
        state_file.bring(state, model, is_branch=plan is not None)
        if plan is not None:
            model.departures.orders_due.expect_anew(model.settings, model.time_s)
            model.surroundings.closed.look_again()
            model.authorities.impose_curfew()
            model.services.wake()
        return model
