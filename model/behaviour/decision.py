"""Who decides to leave, and when: orders obeyed, impacts fled from, everything weighed over days."""

from collections.abc import Callable
from datetime import timedelta

import numpy as np
from scipy.special import ndtri

from safepassage.agents.ground.arrays import Bools, Floats, Ints
from safepassage.agents.households import Cause, Households
from safepassage.agents.rules import decide
from safepassage.model.behaviour.covariates import N_SITUATIONS, Covariate, coefficient_vector
from safepassage.model.behaviour.information import Information, Told, addressed_by
from safepassage.model.behaviour.leaving import DAY_S, Threat, frailty_of, gamma_quantiles, shock_dose
from safepassage.model.draws import Stream, keys_of, uniforms, uniforms_for
from safepassage.model.hazard.weather import Weather
from safepassage.model.rules import DecisionRule, HouseholdsSeen, rates_from
from safepassage.model.settings.behaviour import Behaviour, Order
from safepassage.model.settings.damage import Utility
from safepassage.model.settings.run import Run

SHOCKING = np.array((Utility.POWER, Utility.GAS))
"""Utilities whose loss adds to the rate."""


class Decision:
    """Rates and thresholds of all households; every draw is keyed by household, the same under every plan."""

    def __init__(
        self,
        settings: Behaviour,
        run: Run,
        households: Households,
        information: Information,
        distance_km: Callable[[float], float] | None,
        share_before: float,
        seed: int,
        rule: DecisionRule | None = None,
    ) -> None:
        """rule: of the user's own, instead of the model's rate; None: the model's own.

        settings: the scenario's section `Behaviour`. run: start and length of the run. information: what households
        know. distance_km: function of a time (s) -> distance of the front, None: there is no front. share_before: of
        the residents before the war, those who are still there at the start of the run. seed: of the run, for all
        chance.
        """
        self.settings, self.run, self.households, self.seed = settings, run, households, seed
        self.information, self._keys, self._rule = information, keys_of(households), rule
        z = ndtri(np.clip(uniforms_for(seed, Stream.PREPARATION, self._keys), 1e-12, 1 - 1e-12))
        households.preparation_s[:] = settings.preparation_median_s * np.exp(settings.preparation_spread * z)
        households.leaving_threshold[:] = -np.log1p(-uniforms_for(seed, Stream.LEAVE, self._keys))
        self.coefficients = coefficient_vector(settings.coefficients)
        situations = np.flatnonzero(self.coefficients[:N_SITUATIONS])
        self._weighed = situations[situations != int(Covariate.UNWARNED)]
        """Situations that count, but for how long it was unwarned, which is counted apart."""
        self._draw_readiness(share_before)
        u = uniforms(seed, Stream.READINESS, 1, tick=1)
        town = float(np.exp(settings.leaving.town_spread * ndtri(np.clip(u[0], 1e-12, 1 - 1e-12))))
        self.threat = Threat(settings.leaving, distance_km, settings.coefficients.baseline_per_day, town)
        self.weather: Weather | None = None
        """By which a loss of power or gas counts, on days with a mean below `heating_below_c`; None: by the month."""
        self.heating_below_c = 0.0
        self.time_s = self.next_s = 0.0
        """Until when everything has been weighed; when it is weighed next (s)."""
        self._shown_s = -np.inf

    def _draw_readiness(self, share_before: float) -> None:
        """Give each household its readiness: by what it is, and by chance; the town as a whole has that of the fit."""
        h, traits = self.households, slice(N_SITUATIONS, None)
        log_ratio = self.coefficients[traits] @ self.information.covariates[traits].astype(np.float64)
        lives_there = h.institution < 0  # institutions decide nothing, and change nobody's readiness
        ratio, of_these = np.unique(np.round(np.exp(log_ratio[lives_there]), 9), return_inverse=True)
        weight = np.bincount(of_these, h.n_members[lives_there]).astype(np.float64)
        frailty = frailty_of(tuple(ratio.tolist()), tuple(weight.tolist()), self.settings.leaving.frailty_variance)
        group = np.zeros(len(h), np.int64)
        group[lives_there] = of_these
        u = uniforms_for(self.seed, Stream.READINESS, self._keys)
        h.readiness[:] = frailty.drawn(group, u, share_before)
        variance, families = self.settings.ordered_families.frailty_variance, np.flatnonzero(h.has_children)
        u = uniforms_for(self.seed, Stream.READINESS, self._keys[families], index=1)
        h.ordered_readiness[families] = share_before**variance * variance * gamma_quantiles(1.0 / variance, u)

    def hear_order(
        self, number: int, order: Order, zone_names: tuple[str, ...], issued_s: float, phone_works: Bools
    ) -> int:
        """Send an order out; let those who do as told, and those whom people at the door persuade, plan to leave.

        Returns how many do. number: its place in the scenario's list. zone_names: names of the zones, which it may
        name. issued_s: when it goes out (s). phone_works: bool[n], at home now.
        """
        addressed = addressed_by(order, self.households, zone_names)
        told = self.information.announce(number, order, addressed, issued_s, phone_works)
        rows = np.flatnonzero(addressed)
        return self.obey(told, rows) + self.be_persuaded(told, rows)

    def answer_late(self, rows: np.ndarray, now_s: float) -> int:
        """Let households that were held back so far answer what they have been told; return how many decide to leave.

        rows: of these households. now_s: the present (s), before which none of them leaves.
        """
        if rows.size == 0:
            return 0
        told = self.information.told
        return sum(self.obey(each, rows, now_s) + self.be_persuaded(each, rows, now_s) for each in told)

    def obey(self, told: Told, rows: Ints, not_before_s: float = -np.inf) -> int:
        """Let those of some households that an order addresses and that do as told plan to leave; return how many.

        rows: of these households. not_before_s: they decide no sooner (s).
        """
        h, rows = self.households, rows[told.addressed[rows]]
        u = uniforms_for(self.seed, Stream.COMPLIANCE, self._keys[rows], tick=told.number)
        return decide.answer_order(
            h.cause, h.decision_time_s, h.departure_time_s, h.order_obeyed, rows, h.stays_behind,
            np.maximum(told.believed_s[rows], not_before_s), h.preparation_s, told.order.compliance, u, told.number,
        )  # fmt: skip

    def be_persuaded(self, told: Told, rows: Ints, not_before_s: float = -np.inf) -> int:
        """Let those of some households whom people at the door persuade plan to leave; return how many.

        Arguments as of `obey`.
        """
        h, persuaded_s = self.households, np.maximum(told.persuaded_s[rows], not_before_s)
        n = decide.answer_order(
            h.cause, h.decision_time_s, h.departure_time_s, h.order_obeyed, rows, h.stays_behind, persuaded_s,
            h.preparation_s, 1.0, np.zeros(rows.size), told.number,
        )  # fmt: skip
        persuaded = rows[np.isfinite(persuaded_s) & (h.decision_time_s[rows] == persuaded_s)]
        h.cause[persuaded], h.order_obeyed[persuaded] = Cause.PERSUADED, told.number
        return n

    def flee(self, event: np.ndarray, home: np.ndarray, time_s: np.ndarray) -> int:
        """Let impacts nearby make households leave on the spot; event: row of the impact, time_s: of each; in order."""
        h = self.households
        u = uniforms_for(self.seed, Stream.REACTION, self._keys[home], tick=event)
        return decide.react_to_impacts(
            h.cause, h.decision_time_s, h.departure_time_s, home, time_s, h.stays_behind, h.preparation_s,
            self.settings.p_leave_after_impact, u,
        )  # fmt: skip

    def think(self, now_s: float, is_home: Bools, lost_since_s: Floats, share_without_seat: Floats) -> int:
        """Let orders spread, and households at home weigh what they have known since they last thought.

        Front, orders and losses count exactly as they were; impacts remembered, repeated orders and seats as the mean
        of then and now. Returns how many decide. now_s: the present (s). is_home: bool[n]. lost_since_s:
        float64[utility, n_zones], since when each does not work (s), inf: it works. share_without_seat: float64[n], of
        those in the same place without a car.
        """
        h, from_s, n_decide = self.households, self.time_s, 0
        for told, rows in self.information.talk(now_s):
            may_answer = is_home[rows] & (h.departure_time_s[rows] > from_s)
            n_decide += self.obey(told, rows[may_answer])
        before = self.information.covariates[self._weighed]
        self.information.look(now_s, share_without_seat, is_front=self.threat.is_front)
        rests = h.stays_behind
        if self._rule is None:  # a user's own sees what all of them gather
            rests = rests | ~is_home | (h.decision_time_s <= from_s)
        dose = self._doses(from_s, now_s, lost_since_s, before, rests)
        days = (now_s - from_s) / DAY_S
        if self._rule is not None and days > 0:
            rate_per_day = rates_from(self._rule, self._seen(now_s, dose / days))
            dose = rate_per_day * days
        n_decide += decide.weigh(
            h.cause, h.decision_time_s, h.departure_time_s, h.weighed, dose, h.leaving_threshold, is_home,
            h.preparation_s, from_s, now_s,
        )  # fmt: skip
        self.time_s = now_s
        if self._rule is not None and days > 0:
            h.leaving_rate_per_day[:] = rate_per_day
        return n_decide

    def show_rates(self, lost_since_s: Floats) -> None:
        """Write the rate at which each household decides now, for those who look on; a user's own rule has shown its.

        lost_since_s: float64[utility, n_zones], since when each does not work (s), inf: it works.
        """
        if self._rule is None and self._shown_s != self.time_s:
            now_s = self._shown_s = self.time_s
            h, now = self.households, self.information.covariates[self._weighed]
            h.leaving_rate_per_day[:] = self._doses(now_s, now_s + 1.0, lost_since_s, now, h.stays_behind) * DAY_S

    def _seen(self, now_s: float, rate_per_day: Floats) -> HouseholdsSeen:
        h, covariates = self.households, self.information.covariates
        return HouseholdsSeen(
            time_s=now_s,
            covariates={covariate.name.lower(): covariates[covariate].copy() for covariate in Covariate},
            rate_per_day=rate_per_day,
            n_members=h.n_members,
            has_car=h.has_car.copy(),
            has_children=h.has_children.copy(),
            stays_behind=h.stays_behind.copy(),
        )

    def _doses(self, from_s: float, until_s: float, lost_since_s: Floats, before: np.ndarray, rests: Bools) -> Floats:
        """Return what each household gathers towards its decision from one time to another, float64[n].

        before: float32[n, n_households], situations that are weighed as they were at the first; the mean with those of
        now counts. rests: bool[n_households], those that gather nothing, or of which it does not matter.
        """
        h, families = self.households, self.settings.ordered_families
        length_s = until_s - from_s
        if length_s <= 0:
            return np.zeros(len(h))

        dose, threat = np.empty(len(h)), self.threat.dose(from_s, until_s)
        since_s = lost_since_s[SHOCKING]
        shock = np.zeros(since_s.shape[1])
        if since_s.min(initial=np.inf) < np.inf:
            shock = shock_dose(self.settings.loss_shock, since_s, self._is_cold(since_s), from_s, until_s)
        decide.doses(
            dose, before, self.information.covariates, self._weighed, self.coefficients, threat, shock, h.zone,
            h.readiness, rests, self.information.share_warned(from_s, until_s), int(Covariate.UNWARNED),
            self.information.share_compelled(from_s, until_s), h.has_children, h.ordered_readiness,
            families.per_day * length_s / DAY_S, families.times_threat * threat,
        )  # fmt: skip
        return dose

    def _is_cold(self, time_s: np.ndarray) -> np.ndarray:
        """Return which losses came on a day, or in a month, on which they count, bool."""
        if self.weather is not None:
            return self.weather.is_colder(time_s, self.heating_below_c)
        cold = np.zeros(time_s.shape, np.bool_)
        for at in np.unique(time_s[np.isfinite(time_s)]):
            month = (self.run.start + timedelta(seconds=float(at))).month
            cold[time_s == at] = month in self.settings.loss_shock.cold_months
        return cold

    @property
    def is_return_possible(self) -> bool:
        """Whether households in safety may come back at all."""
        return self.settings.return_per_day > 0 or self.settings.return_without_means_per_day > 0

    def who_return(self, from_s: float, until_s: float, safe_since_s: Floats) -> np.ndarray:
        """Return the households in safety that come back in this time; safe_since_s: of each (s), inf: it is not.

        Where it is quiet near home and the front out of reach, as they know it; and those who cannot pay any longer for
        a place elsewhere. from_s, until_s: beginning and end of that time (s).
        """
        settings = self.settings
        rows = np.flatnonzero(np.isfinite(safe_since_s))
        quiet_since_s = np.maximum(self.households.last_heard_s[rows], 0.0)  # what fell before the run is not known
        is_quiet = until_s - quiet_since_s >= settings.quiet_after_d * DAY_S
        seems_far = np.where(is_quiet, 1.0 - self.threat.reached_share(until_s), 0.0)
        seems_far[self.information.believes_all_clear(until_s)[rows]] = 1.0
        is_broke = self.information.covariates[Covariate.NO_DESTINATION, rows] > 0
        is_broke &= until_s - safe_since_s[rows] >= settings.savings_last_d * DAY_S
        rate = settings.return_per_day * seems_far * np.where(is_broke, settings.return_factor_no_destination, 1.0)
        rate = rate + settings.return_without_means_per_day * is_broke
        p = -np.expm1(-rate * (until_s - from_s) / DAY_S)
        return rows[uniforms_for(self.seed, Stream.RETURN, self._keys[rows], tick=int(until_s)) < p]

    def start_again(self, household: np.ndarray, time_s: float) -> None:
        """Let households that have come back weigh everything afresh, with a threshold of their own."""
        h = self.households
        h.cause[household] = Cause.NONE
        h.decision_time_s[household] = np.inf
        h.departure_time_s[household] = np.inf
        tick = int(time_s) + 1
        h.weighed[household] = 0.0
        u = uniforms_for(self.seed, Stream.LEAVE, self._keys[household], tick=tick)
        h.leaving_threshold[household] = -np.log1p(-u)
