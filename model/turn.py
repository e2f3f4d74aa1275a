"""One turn of a run: what happens from one moment to the next whole minute, or to a later one.

Each part of the model says when it has something to do next. Those who leave home in the first minute set out; then
time in which nothing happens is passed at once. While people drive and walk on, or wait for what is due at the end of a
minute, and nothing else is due, many minutes pass in one turn: it ends with the first minute in which somebody arrives,
meets danger or has to stand, or at whose end something is due. Everything else happens minute by minute, as it would
without any of this.
"""

from typing import Any

import numpy as np

from safepassage.agents.shelling import ShellingEvent
from safepassage.model.clock import MINUTE_S, minute_after, minute_before, minute_from
from safepassage.model.hazard.impacts import Size
from safepassage.model.movement.arrivals import Arrivals
from safepassage.model.movement.by_minutes import go_on
from safepassage.model.services.roadside import slow_down, take_off_the_dead

EVENT_MATTERS_S = 6 * 3600.0
"""An impact is a Mesa agent for this long (s); it matters to memory and repair longer than to the eye. Assumption."""


class Turn:
    """How time goes on in a model."""

    def __init__(self, model: Any) -> None:
        """model: the EvacuationModel, all its parts built."""
        self.model = model
        self.moved_to_s = 0.0
        """Time to which everybody on the streets has been moved (s)."""
        self._expect_impact(0)

    def take(self, until_s: float) -> bool:
        """Go on until the next turn, no farther than a time (s); return whether nothing happened."""
        model, departures, from_s = self.model, self.model.departures, self.model.time_s
        if from_s >= model.authorities.next_s:
            model.authorities.look(from_s)
        model.services.reinforce(from_s)
        departures.decide(from_s, model.surroundings, model.services)
        model.under_fire.road_fire.look(from_s)
        until_s = min(until_s, departures.decision.next_s)
        minute_s, others_s = min(until_s, minute_after(from_s)), self.others_s
        have_left = self._let_leave(minute_s, others_s)
        if have_left:
            model.population.prepare(minute_s)
            others_s = self.others_s
        if until_s > model.stepped_s:  # the run may be ahead of its steps until one ends at which something shows
            until_s = min(until_s, model.end_of_step_s(min(model.population.shows_s, model.movement.talks_s)))
        next_s, ends_s, quiet_s, n_minutes = min(departures.leaves_s, others_s), self.ends_s, from_s, 0
        if model.movement.n_moving == 0 and ends_s > min(next_s, until_s):
            quiet_s = self._quiet_until_s(next_s, until_s)
        elif next_s >= minute_s:
            n_minutes = self._n_minutes(min(next_s, max(minute_after(from_s), minute_from(ends_s))), until_s)
        is_quiet = quiet_s > from_s
        if have_left and (is_quiet or n_minutes):
            if model.under_fire.is_anybody_newly_out(minute_s):
                is_quiet, n_minutes = False, 0
            elif n_minutes != 1:  # at the end of one minute people are counted anyway
                model.recorder.count(minute_s)
        if is_quiet:
            self.pass_time(quiet_s)
        elif n_minutes:
            n_minutes = self._drive_on(from_s + n_minutes * MINUTE_S, ends_s)
        elif have_left:
            self._finish(minute_s)
        else:
            self.live(minute_s)
        if (frozen := model.under_fire.freeze(model.time_s)).size:
            take_off_the_dead(model.services, frozen, model.time_s)
        self._forget_events()
        self._count(from_s, n_minutes)
        return is_quiet and not have_left

    def _let_leave(self, minute_s: float, others_s: float) -> bool:
        """Let those set out who leave home by the end of the first minute (s) of a turn; return whether any were due.

        Not if something else is due in it, before others_s (s): then all happens in order, see `live`.
        """
        model = self.model
        if model.departures.leaves_s >= minute_s or others_s < minute_s:
            return False
        model.departures.set_out(self.moved_to_s, minute_s, model.under_fire, model.movement, model.services)
        return True

    def _count(self, from_s: float, n_minutes: int) -> None:
        """Count the time since the last turn; if it was of whole minutes, until its last everybody was as then."""
        model, before_s = self.model, max(n_minutes - 1, 0) * MINUTE_S
        model.resident_s += model.recorder.n_inside * before_s
        model.recorder.count(model.time_s)
        model.resident_s += model.recorder.n_inside * (model.time_s - from_s - before_s)

    @property
    def agenda_s(self) -> float:
        """Nothing happens before this but that people on their way go on and, at their pace, households decide (s).

        The least of what each part says of itself; -inf: something may happen at any moment.
        """
        return min(self.model.departures.leaves_s, self.others_s, self.ends_s, self.model.under_fire.road_fire.looks_s)

    @property
    def others_s(self) -> float:
        """Before this nothing happens in the course of a minute, but for those who leave home (s)."""
        model = self.model
        return min(self._next_impact_s, model.departures.next_s, model.under_fire.next_s, model.authorities.next_s)

    @property
    def ends_s(self) -> float:
        """No turn has to end by this, and what is due at ends of turns be seen to (s); -inf: the next has to."""
        model = self.model
        return min(model.services.next_s, model.surroundings.next_s, model.under_fire.ends_s)

    def _expect_impact(self, row: int) -> None:
        """Expect the first impact to fall from a row on."""
        impacts = self.model.impacts
        self.next_row = impacts.next_that_falls(row)
        """Row of the next impact."""
        self._next_impact_s = float(impacts.time_s[self.next_row]) if self.next_row < len(impacts) else np.inf

    def _quiet_until_s(self, next_s: float, until_s: float) -> float:
        """Return until when nothing is due, once households have decided: a time, or a whole minute before it (s)."""
        is_over = next_s > until_s and until_s < self.model.duration_s
        quiet_s = until_s if is_over else minute_before(min(next_s, until_s))
        looks_s = self.model.under_fire.road_fire.looks_s
        return quiet_s if quiet_s <= looks_s else looks_s // MINUTE_S * MINUTE_S

    def _n_minutes(self, next_s: float, until_s: float) -> int:
        """Return how many whole minutes people may go on at once, as long as nothing happens to them; 0: none."""
        model = self.model
        looks_s = model.under_fire.road_fire.looks_s
        until_s = min(next_s, until_s, minute_before(model.duration_s), model.movement.next_s, looks_s)
        if until_s < model.time_s + MINUTE_S or model.time_s % MINUTE_S:
            return 0
        is_one = model.movement.n_moving > 0 and self._did_anybody_stand
        return 1 if is_one else int((until_s - model.time_s) // MINUTE_S)

    @property
    def _did_anybody_stand(self) -> bool:
        """Whether somebody on the way had no way on, or stood in a gridlock, when last looked at."""
        return self.model.movement.did_anybody_stand or self.model.population.is_anybody_standing

    def pass_time(self, until_s: float) -> None:
        """Let time pass in which nothing happens; news of the roads goes on spreading."""
        model = self.model
        model.movement.advance(until_s)
        model.departures.hold(until_s)
        model.under_fire.road_fire.pass_time(until_s)
        model.time_s = self.moved_to_s = until_s
        model.surroundings.advance(until_s)
        model.movement.talk()
        model.population.prepare(until_s)

    def _drive_on(self, until_s: float, ends_s: float) -> int:
        """Let people go on to a time, or to the end of the first minute in which something happens to them; return how
        many minutes that was.

        ends_s: nothing is due at the end before this (s). If nothing has happened but that some have arrived, and
        nothing is due because of it, that is all.
        """
        model, from_s = self.model, self.model.time_s
        is_all = not (self._did_anybody_stand or model.surroundings.has_news)
        arrivals, is_calm = go_on(model.movement, until_s, by_minutes=True)
        now_s = self.moved_to_s = model.movement.time_s
        model.departures.hold(now_s)
        if is_calm and len(arrivals) == 0:
            model.under_fire.road_fire.pass_time(now_s)
        else:
            model.under_fire.road_fire.pass_time(now_s - MINUTE_S)
            is_calm &= not self._meet(arrivals, now_s)
            ends_s = -np.inf if model.under_fire.is_care_wanted else self.ends_s
        if is_calm and is_all and now_s < min(ends_s, model.movement.next_s):
            model.time_s = now_s
            model.population.prepare(now_s)
        else:
            self._end(now_s)
        return round((now_s - from_s) / MINUTE_S)

    def live(self, until_s: float) -> None:
        """Let happen what is due up to a time, in order."""
        model = self.model
        model.departures.issue_orders(model.time_s, until_s, model.surroundings)
        model.departures.way_home.set_out(model.time_s, until_s)
        self._fall(until_s)
        self._finish(until_s)

    def _finish(self, until_s: float) -> None:
        """Let everybody go on to a time, and happen what is due then."""
        self._advance(until_s)
        self._end(until_s)

    def _end(self, until_s: float) -> None:
        """Let happen what is due at the end of a turn, when everybody has been moved."""
        model, under_fire = self.model, self.model.under_fire
        model.services.take_turn(until_s)
        model.time_s = until_s
        model.surroundings.advance(until_s)
        if until_s >= model.duration_s:
            model.departures.think(until_s, model.surroundings, model.services)
        model.surroundings.tell(model.movement, until_s)
        self._get_on()
        model.population.prepare(until_s)
        under_fire.take_cover(until_s)
        under_fire.care_for_arrived(until_s)
        if under_fire.next_death_s <= until_s:
            take_off_the_dead(model.services, under_fire.die(until_s), until_s)

    def _get_on(self) -> None:
        """Let news of the roads spread; people who cannot drive on leave their cars, the cut off stop or try again."""
        model, movement, population = self.model, self.model.movement, self.model.population
        movement.talk()
        giving_up = model.services.get_on(movement.who_give_up(), model.time_s)
        if giving_up.size:
            size, speed = model.households.n_members[giving_up], model.parties.free_speed_m_s[giving_up]
            walking, at_home = movement.leave_cars(giving_up, size, speed)
            population.walk_on(walking)
            slow_down(model.services, walking, model.time_s)
            at_home = model.departures.way_home.turn_away(at_home, model.time_s)
            population.turn_back(at_home, movement.next_news_s)
        if movement.n_moving and (population.is_anybody_standing or movement.walking.view.is_anybody_held):
            population.stand(movement.walking.view.without_route())

    def _advance(self, until_s: float) -> None:
        """Move everybody to a time; under drones and crossfire in strides, after each of which those hit are hurt."""
        now_s = self.moved_to_s
        while now_s < until_s:
            now_s = min(until_s, self.model.under_fire.road_fire.next_stop_s(now_s))
            self._meet(self.model.movement.advance(now_s), now_s)
        self.moved_to_s = now_s

    def _meet(self, arrivals: Arrivals, now_s: float) -> bool:
        """Let those be hurt who have met danger on their way until now, and those arrive who have come to its end.

        Returns whether anybody was hurt, or a vehicle hit.
        """
        services, under_fire = self.model.services, self.model.under_fire
        hurt = under_fire.expose(now_s)
        services.attend(hurt, now_s)
        self.model.ways_out.arrive(arrivals)
        hit = under_fire.vehicles.take_hit()
        services.lose(hit, now_s)
        return hurt.size > 0 or len(hit) > 0

    def _fall(self, until_s: float) -> None:
        """Let impacts fall and alerts sound until a time, on all where they are then; between them people set out."""
        model, under_fire, now_s = self.model, self.model.under_fire, self.moved_to_s
        set_out, parts = model.departures.set_out, (under_fire, model.movement, model.services)
        while (time_s := min(self._next_impact_s, under_fire.next_alert_s)) < until_s:
            set_out(now_s, time_s, *parts)
            self._advance(time_s)
            now_s, k = time_s, self.next_row
            if under_fire.sound(time_s):
                continue
            hurt = under_fire.fall(k)
            self._expect_impact(k + 1)
            self._note_impact(k, hurt.size)
            model.services.attend(hurt, time_s)
            model.services.lose(under_fire.vehicles.take_hit(), time_s)
        set_out(now_s, until_s, *parts)

    def _note_impact(self, row: int, n_casualties: int) -> None:
        """Make an impact a Mesa agent for as long as it matters."""
        impacts = self.model.impacts
        place = float(impacts.time_s[row]), float(impacts.x_m[row]), float(impacts.y_m[row])
        event = ShellingEvent(self.model, row, *place, Size(int(impacts.size[row])).name)
        event.n_casualties = n_casualties
        self.model.shelling_events.append(event)

    def _forget_events(self) -> None:
        """Take shelling events out of Mesa's list once they no longer matter; their rows stay."""
        events = self.model.shelling_events
        while events and events[0].time_s < self.model.time_s - EVENT_MATTERS_S:
            events.popleft().remove()
