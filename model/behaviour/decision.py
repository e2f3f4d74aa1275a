"""Who decides to leave, and when: orders obeyed, impacts fled from, everything weighed over days."""

import numpy as np
from scipy.special import ndtri

from safepassage.agents.households import Cause, Households
from safepassage.agents.rules import decide
from safepassage.model.behaviour.covariates import Covariate, coefficient_vector
from safepassage.model.behaviour.information import Information
from safepassage.model.draws import Stream, keys_of, uniforms_for
from safepassage.model.rules import DecisionRule, HouseholdsSeen, rates_from
from safepassage.model.settings.behaviour import Behaviour, Order


class Decision:
    """Rates and thresholds of all households; every draw is keyed by household, the same under every plan."""

    def __init__(
        self,
        settings: Behaviour,
        households: Households,
        information: Information,
        seed: int,
        rule: DecisionRule | None = None,
    ) -> None:
        """rule: of the user's own, instead of the model's rate; None: the model's own.

        settings: the scenario's section `Behaviour`. information: what households know. seed: seed of the run, from
        which all chance is drawn.
        """
        self.settings, self.households, self.information, self.seed = settings, households, information, seed
        self._rule = rule
        self._keys = keys_of(households)
        u_kind = uniforms_for(seed, Stream.COMPLIANCE, self._keys, index=1)
        households.is_stayer[:] = u_kind < settings.share_stayers
        households.is_early[:] = u_kind >= 1 - settings.share_early
        u_yield = uniforms_for(seed, Stream.COMPLIANCE, self._keys, index=2)
        households.yields_to_compulsory[:] = u_yield < settings.p_yield_to_compulsory
        households.least_compliance[:] = uniforms_for(seed, Stream.COMPLIANCE, self._keys)
        z = ndtri(np.clip(uniforms_for(seed, Stream.PREPARATION, self._keys), 1e-12, 1 - 1e-12))
        households.preparation_s[:] = settings.preparation_median_s * np.exp(settings.preparation_spread * z)
        households.leaving_threshold[:] = -np.log1p(-uniforms_for(seed, Stream.LEAVE, self._keys))
        self.time_s = self.next_s = 0.0
        """Until when everything has been weighed; when it is weighed next (s)."""
        self.coefficients = coefficient_vector(settings.coefficients)
        self._was_stayer: np.ndarray | None = None
        """Who was a stayer when the rates were worked out last."""

    def obey(self, order: Order, rows_or_mask: np.ndarray, heard_s: np.ndarray) -> int:
        """Let households that have come to believe an order and do as told plan to leave; return how many."""
        h = self.households
        addressed = np.zeros(len(h), np.bool_)
        addressed[rows_or_mask] = True
        return decide.answer_order(
            h.cause, h.decision_time_s, h.departure_time_s, addressed, h.is_stayer, heard_s, h.preparation_s,
            order.compliance, h.least_compliance,
        )  # fmt: skip

    def flee(self, event: np.ndarray, home: np.ndarray, time_s: np.ndarray) -> int:
        """Let impacts nearby make households leave on the spot; event: row of the impact, time_s: of each; in order."""
        h = self.households
        u = uniforms_for(self.seed, Stream.REACTION, self._keys[home], tick=event)
        return decide.react_to_impacts(
            h.cause, h.decision_time_s, h.departure_time_s, home, time_s, h.is_stayer, h.preparation_s,
            self.settings.p_leave_after_impact, u,
        )  # fmt: skip

    def weigh(self, until_s: float, is_home: np.ndarray, *, is_news: bool = True) -> int:
        """Let households at home weigh what they have known since the last call; return how many decide.

        is_news: whether what they know has changed since, so that their rates do.
        """
        h = self.households
        n = decide.weigh(
            h.cause, h.decision_time_s, h.departure_time_s, h.weighed, h.leaving_rate_per_day, h.leaving_threshold,
            is_home, h.preparation_s, self.time_s, until_s,
        )  # fmt: skip
        self.time_s = until_s
        h.is_stayer &= ~(h.yields_to_compulsory & (self.information.covariates[Covariate.COMPULSORY_ORDER] > 0))
        if (
            self._rule is not None
            or is_news
            or self._was_stayer is None
            or not np.array_equal(h.is_stayer, self._was_stayer)
        ):
            self._was_stayer = h.is_stayer.copy()
            decide.leaving_rates(
                h.leaving_rate_per_day, self.information.covariates, self.coefficients,
                self.settings.coefficients.baseline_per_day, self.settings.early_factor, h.is_early, h.is_stayer,
            )  # fmt: skip
            if self._rule is not None:
                h.leaving_rate_per_day[:] = rates_from(self._rule, self._seen())
        return n

    def _seen(self) -> HouseholdsSeen:
        h, covariates = self.households, self.information.covariates
        return HouseholdsSeen(
            time_s=self.time_s,
            covariates={covariate.name.lower(): covariates[covariate].copy() for covariate in Covariate},
            rate_per_day=h.leaving_rate_per_day.copy(),
            n_members=h.n_members,
            has_car=h.has_car.copy(),
            has_children=h.has_children.copy(),
            is_stayer=h.is_stayer.copy(),
        )

    def who_return(self, from_s: float, until_s: float, is_safe: np.ndarray, last_impact_s: float) -> np.ndarray:
        """Return the households in safety that come back in this time, if it has been quiet; is_safe: bool[n].

        from_s: beginning of the time looked at (s). until_s: end of the time looked at (s). last_impact_s: when the
        last impact fell (s).
        """
        settings = self.settings
        if settings.return_per_day == 0 or until_s - last_impact_s < settings.quiet_after_d * 86400.0:
            return np.empty(0, np.int64)
        p = -np.expm1(-settings.return_per_day * (until_s - from_s) / 86400.0)
        safe = np.flatnonzero(is_safe)
        return safe[uniforms_for(self.seed, Stream.RETURN, self._keys[safe], tick=int(until_s)) < p]

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
