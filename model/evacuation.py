"""The model: a town's households under shelling, as a Mesa model."""

from collections import deque
from datetime import datetime
from pathlib import Path
from time import perf_counter
from typing import Any, Self

import numpy as np

from safepassage.agents.civilians import Civilian
from safepassage.agents.households import Household
from safepassage.agents.rows.batches import seed_in_batch
from safepassage.agents.rows.rows import RowModel
from safepassage.agents.shelling import ShellingEvent
from safepassage.agents.shelters import Shelter
from safepassage.agents.vehicles import ServiceAgents
from safepassage.model.authorities.acts import Authorities
from safepassage.model.behaviour.curfew import curfew_hours
from safepassage.model.built_once import ground_of, people_of
from safepassage.model.clock import local_time, minute_after, minute_before
from safepassage.model.departures import Departures, never_issued
from safepassage.model.draws import Stream, keys_of, uniforms_for
from safepassage.model.harm.expected_casualties import against_records
from safepassage.model.harm.under_fire import UnderFire
from safepassage.model.hazard import shelling
from safepassage.model.hazard.front import front_of
from safepassage.model.hazard.impacts import Size
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
from safepassage.model.services.roadside import slow_down, take_off_the_dead
from safepassage.model.services.services import Services
from safepassage.model.services.ways_out import WaysOut
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.behaviour import Order
from safepassage.model.settings.files.portable import as_kept, files_in, name_of
from safepassage.model.settings.scenario import NO_PLAN, Scenario, load
from safepassage.model.state import state_file
from safepassage.model.town.surroundings import Surroundings

EVENT_MATTERS_S = 6 * 3600.0
"""An impact is a Mesa agent for this long (s); it matters to memory and repair longer than to the eye. Assumption."""


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
        self.time_s, self.tick, self._moved_to_s, self._n_writes_seen = 0.0, 0, 0.0, 0
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
        self._next_row = self.impacts.next_that_falls(0)

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

    def step(self) -> None:
        """Advance by run.step_s, from minute to minute: what is due happens, people decide, move and are harmed."""
        began = perf_counter()
        until_s = min(self.time_s + self.settings.run.step_s, self.duration_s)
        if self.n_writes != self._n_writes_seen:
            self.look_again()
        was_quiet = True
        while self.time_s < until_s:
            was_quiet &= self._take_turn(until_s)
        self.tick += 1
        self.recorder.record(was_quiet=was_quiet)
        self.datacollector.collect(self)
        self.running = self.time_s < self.duration_s
        self.timings_s["run"] += perf_counter() - began

    def _take_turn(self, until_s: float) -> bool:
        """Go on until the next turn, no farther than a time (s); return whether nothing happened."""
        from_s = self.time_s
        self.authorities.look(from_s)
        self.services.reinforce(from_s)
        self.departures.decide(from_s, self.surroundings, self.services)
        until_s = min(until_s, self.departures.decision.next_s)
        if is_quiet := (quiet_s := self._quiet_until_s(until_s)) > from_s:
            self._pass(quiet_s)
        else:
            self._live(min(until_s, minute_after(from_s)))
        if (frozen := self.under_fire.freeze(self.time_s)).size:
            take_off_the_dead(self.services, frozen, self.time_s)
        self.recorder.count()
        self.resident_s += self.recorder.n_inside * (self.time_s - from_s)
        return is_quiet

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

        The least of what each part says of itself; -inf: something may happen at any moment, as while somebody moves.
        """
        if self.movement.n_moving:
            return -np.inf
        events = self.shelling_events
        forget_s = events[0].time_s + EVENT_MATTERS_S if events else np.inf
        parts = (self.departures, self.surroundings, self.under_fire, self.authorities)
        return min(self._next_impact_s, forget_s, self.services.next_s, *(part.next_s for part in parts))

    @property
    def _next_impact_s(self) -> float:
        return float(self.impacts.time_s[self._next_row]) if self._next_row < len(self.impacts) else np.inf

    def _quiet_until_s(self, until_s: float) -> float:
        """Return until when nothing is due, once households have decided: a time, or a whole minute before it (s)."""
        next_s = self.next_s
        return until_s if next_s > until_s and until_s < self.duration_s else minute_before(min(next_s, until_s))

    def _pass(self, until_s: float) -> None:
        """Let time pass in which nothing happens; news of the roads goes on spreading."""
        self.movement.advance(until_s)
        self.under_fire.road_fire.pass_time(until_s)
        self.time_s = self._moved_to_s = until_s
        self.surroundings.advance(until_s)
        self.movement.talk()

    def _live(self, until_s: float) -> None:
        """Let happen what is due up to a time, in order."""
        self.departures.issue_orders(self.time_s, until_s, self.surroundings)
        self._forget_events()
        self.departures.way_home.set_out(self.time_s, until_s)
        self._fall(until_s)
        self._advance(until_s)
        self.services.take_turn(until_s)
        self.time_s = until_s
        self.surroundings.advance(until_s)
        if until_s >= self.duration_s:
            self.departures.think(until_s, self.surroundings, self.services)
        self.surroundings.tell(self.movement, until_s)
        self._get_on()
        self.population.prepare(until_s)
        self.under_fire.take_cover(until_s)
        self.under_fire.care_for_arrived(until_s)
        if self.under_fire.next_death_s <= until_s:
            take_off_the_dead(self.services, self.under_fire.die(until_s), until_s)

    def run(self, on_step: Any = None) -> "EvacuationModel":
        """Step until run.duration_h is over and return the model; on_step: called with the model after each step."""
        while self.running:
            self.step()
            if on_step is not None:
                on_step(self)
        return self

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
            model.services.wake()
        return model

    def _arrive(self, arrivals):
        """Bring those who left the streets to safety, to their stop, or home."""
        if len(arrivals):
            self.ways_out.arrive(self.departures.way_home.receive(self.services.receive(arrivals)))

    def _get_on(self):
        """Let news of the roads spread; people who cannot drive on leave their cars, the cut off stop or try again."""
        movement, population = self.movement, self.population
        movement.talk()
        giving_up = self.services.get_on(movement.who_give_up(), self.time_s)
        if giving_up.size:
            size, speed = self.households.n_members[giving_up], self.parties.free_speed_m_s[giving_up]
            walking, at_home = movement.leave_cars(giving_up, size, speed)
            population.walk_on(walking)
            slow_down(self.services, walking, self.time_s)
            population.turn_back(self.departures.way_home.turn_away(at_home, self.time_s), movement.next_news_s)
        if movement.n_moving:
            population.stand(movement.walking.view.without_route())

    def _advance(self, until_s: float) -> None:
        """Move everybody to a time; under drones and crossfire in strides, after each of which those hit are hurt."""
        under_fire, services, now_s = self.under_fire, self.services, self._moved_to_s
        while now_s < until_s:
            now_s = min(until_s, under_fire.road_fire.next_stop_s(now_s))
            arrivals = self.movement.advance(now_s)
            services.attend(under_fire.expose(now_s), now_s)
            self._arrive(arrivals)
            services.lose(under_fire.vehicles.take_hit(), now_s)
        self._moved_to_s = now_s

    def _fall(self, until_s: float) -> None:
        """Let impacts fall and alerts sound until a time, on all where they are then; between them people set out."""
        now_s = self._moved_to_s
        while (time_s := min(self._next_impact_s, self.under_fire.next_alert_s)) < until_s:
            self.departures.set_out(now_s, time_s, self.under_fire, self.movement, self.services)
            self._advance(time_s)
            now_s, k = time_s, self._next_row
            if self.under_fire.sound(time_s):
                continue
            hurt = self.under_fire.fall(k)
            self._next_row = self.impacts.next_that_falls(k + 1)
            self._note_impact(k, hurt.size)
            self.services.attend(hurt, time_s)
            self.services.lose(self.under_fire.vehicles.take_hit(), time_s)
        self.departures.set_out(now_s, until_s, self.under_fire, self.movement, self.services)

    def _note_impact(self, row: int, n_casualties: int) -> None:
        """Make an impact a Mesa agent for as long as it matters."""
        impacts = self.impacts
        place = float(impacts.time_s[row]), float(impacts.x_m[row]), float(impacts.y_m[row])
        event = ShellingEvent(self, row, *place, Size(int(impacts.size[row])).name)
        event.n_casualties = n_casualties
        self.shelling_events.append(event)

    def _forget_events(self):
        """Take shelling events out of Mesa's list once they no longer matter; their rows stay."""
        while self.shelling_events and self.shelling_events[0].time_s < self.time_s - EVENT_MATTERS_S:
            self.shelling_events.popleft().remove()
