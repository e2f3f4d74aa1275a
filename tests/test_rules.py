"""Rules of a user's own: they do what they say, under the same boundary, and are stated in the manifest."""

import json
from pathlib import Path

import numpy as np
import pytest

from safepassage import EvacuationModel, ScenarioError, run_batch
from safepassage.model.results.run_folder import open_run
from safepassage.model.rules import NO_RULES, RuleError, RuleFile, Rules, file_digest, read_rules
from safepassage.model.settings.scenario import load
from safepassage.model.story import tell

FILE = Path(__file__).parent / "own_rules.py"
OWN = read_rules(FILE)
QUIET = {"run.duration_h": 6, "shelling.sources": [], "orders": [], "behaviour.coefficients.baseline_per_day": 1.0}


def n_decided(rules=None):
    model = EvacuationModel("tiny_town", rules=rules, **QUIET).run()
    return int(np.isfinite(model.households.decision_time_s).sum())


def test_a_decision_rule_sets_how_fast_households_decide():
    class AsTheModel:
        def rate_per_day(self, seen):
            return seen.rate_per_day

    class Nobody:
        def rate_per_day(self, seen):
            return np.zeros(seen.n_members.size)

    own = n_decided()
    assert own > 50
    assert n_decided(Rules(decision=AsTheModel())) == own
    assert n_decided(Rules(decision=Nobody())) == 0
    assert n_decided(Rules(decision=OWN.decision)) > 1.5 * own


def test_a_decision_rule_sees_the_covariates_by_name_and_changes_nothing_by_writing_into_them():
    seen_once = []

    class Meddles:
        def rate_per_day(self, seen):
            seen_once.append(set(seen.covariates))
            seen.covariates["no_car"][:] = 99.0
            seen.has_car[:] = False
            return seen.rate_per_day

    model = EvacuationModel("tiny_town", rules=Rules(decision=Meddles()), **{"run.duration_h": 0.5}).run()
    assert {"impacts", "unwarned", "no_seat", "no_car"} <= seen_once[0]
    assert model.information.covariates.max() < 99 and model.households.has_car.any()


def test_who_keeps_the_home_for_the_family_does_so_whatever_a_rule_says():
    class Everybody:
        def rate_per_day(self, seen):
            return np.where(seen.has_children, 0.0, 1e9)

    model = EvacuationModel(
        "tiny_town", rules=Rules(decision=Everybody()), **QUIET, **{"population.p_split": 1.0}
    ).run()
    stays = np.isinf(model.households.decision_time_s) & ~model.households.has_children
    assert stays.any() and (model.households.stays_behind == stays).all()


def test_a_route_choice_sends_people_the_way_of_least_cost():
    class AsTheModel:
        def cost_s(self, seen):
            return seen.time_s * (1.0 + seen.danger)

    class NotByMain:
        def __init__(self, street):
            self.street = street

        def cost_s(self, seen):
            return seen.time_s + 1e6 * (np.array(seen.streets.link_name) == self.street)

    plain = EvacuationModel("tiny_town", **{"run.duration_h": 2}).run()
    same = EvacuationModel("tiny_town", rules=Rules(route_choice=AsTheModel()), **{"run.duration_h": 2}).run()
    used = plain.movement.driving.view.n_left
    assert (same.movement.driving.view.n_left == used).all()
    names = np.array(plain.streets.link_name)
    busiest = max(set(names) - {""}, key=lambda name: used[names == name].max())
    shy = EvacuationModel("tiny_town", rules=Rules(route_choice=NotByMain(busiest)), **{"run.duration_h": 2}).run()
    assert shy.movement.driving.view.n_left[names == busiest].sum() < 0.6 * used[names == busiest].sum()


def test_a_hazard_rule_adds_to_the_sources_and_depends_on_the_seed_and_not_on_the_plan():
    def impacts(**given):
        return EvacuationModel("tiny_town", rules=Rules(hazard=OWN.hazard), **{"run.duration_h": 1, **given}).impacts

    alone, beside = impacts(**{"shelling.sources": []}), impacts()
    assert len(alone) == 100 and np.isin(alone.x_m, beside.x_m).all() and len(beside) > 100
    earlier = impacts(**{"shelling.sources": [], "orders.0.compliance": 0.1, "population.p_car": 0.9})
    assert (earlier.x_m == alone.x_m).all()
    assert not np.isin(impacts(**{"shelling.sources": [], "run.seed": 2}).x_m, alone.x_m).any()


def test_a_hazard_rule_sees_clock_chance_map_and_front_and_nobody():
    asked = []

    class Spy:
        def falls(self, *given):
            asked.append(given)
            return OWN.hazard.falls(*given)

    model = EvacuationModel("tiny_town", rules=Rules(hazard=Spy()), **{"run.duration_h": 1})
    clock, chance, area, front = asked[0]
    assert clock.duration_s == 3600 and clock.start == model.settings.run.start
    assert isinstance(chance, np.random.Generator) and front is None
    assert area.lived_along_m is None and area.contains(model.streets.node_x_m, model.streets.node_y_m).all()


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        (Rules(decision=type("R", (), {"rate_per_day": lambda self, seen: -seen.rate_per_day - 1})()), "below 0"),
        (Rules(decision=type("R", (), {"rate_per_day": lambda self, seen: [1.0]})()), "for each household"),
        (Rules(route_choice=type("R", (), {"cost_s": lambda self, seen: 0 * seen.time_s})()), "0 or less"),
        (Rules(route_choice=type("R", (), {"cost_s": lambda self, seen: np.inf * seen.time_s})()), "finite"),
        (Rules(hazard=type("R", (), {"falls": lambda self, *given: 7})()), "give Falls"),
        (Rules(hazard=object()), "has no method falls"),
    ],
)
def test_what_a_rule_gives_is_checked(rules, message):
    with pytest.raises(RuleError, match=message):
        EvacuationModel("tiny_town", rules=rules, **{"run.duration_h": 0.5}).run()


def test_no_scenario_names_a_rule():
    with pytest.raises(ScenarioError, match="unknown key"):
        load("tiny_town", {"rules": str(FILE)})


def test_a_file_without_rules_is_told(tmp_path):
    empty = tmp_path / "empty.py"
    empty.write_text("decide = 1\n")
    for path, message in (
        (empty, "defines none of decision, route_choice, hazard"),
        (tmp_path / "no.py", "no such file"),
    ):
        with pytest.raises(RuleError, match=message):
            EvacuationModel("tiny_town", rules=path)


def test_the_manifest_states_each_rule_with_the_digest_of_its_file(tmp_path):
    saved = EvacuationModel("tiny_town", rules=FILE, **{"run.duration_h": 0.5}).run().save(tmp_path)
    stated = json.loads((saved / "manifest.json").read_text())["rules"]
    assert stated["hazard"] == {"name": "Noon", "file": "own_rules.py", "sha256": file_digest(FILE)}
    assert set(stated) == {"decision", "route_choice", "hazard"}
    plain = EvacuationModel("tiny_town", **{"run.duration_h": 0.25}).run().save(tmp_path)
    assert json.loads((plain / "manifest.json").read_text())["rules"] == NO_RULES.described() == {}


def test_a_run_under_own_rules_is_repeated_only_with_the_same_rules(tmp_path):
    run = open_run(EvacuationModel("tiny_town", rules=FILE, **{"run.duration_h": 0.5}).run().save(tmp_path))
    with pytest.raises(RuleError, match=r"pass them with the argument rules"):
        tell(run, 3)
    assert tell(run, 3, rules=FILE)


def test_a_batch_runs_a_file_of_rules_in_its_workers_and_keeps_it_apart_from_a_batch_without(tmp_path):
    changes = {key: [value] for key, value in QUIET.items() if key != "orders"} | {"run.duration_h": [1.0]}
    with_rules, without = (
        run_batch("tiny_town", seeds=[1, 2], factors=changes, workers=1, rules=rules) for rules in (FILE, None)
    )
    here = EvacuationModel("tiny_town", rng=2, rules=FILE, **{k: v[0] for k, v in changes.items()}).run()
    assert with_rules["casualties"].iloc[1] == (here.people.injury > 0).sum()
    assert set(with_rules["key"]).isdisjoint(without["key"])


def test_a_file_of_rules_that_changed_since_the_batch_began_is_refused(tmp_path):
    path = tmp_path / "mine.py"
    path.write_bytes(FILE.read_bytes())
    file = RuleFile.of(path)
    assert file.read().hazard is not None
    path.write_text(path.read_text() + "# later\n")
    with pytest.raises(RuleError, match="differs from the one"):
        file.read()
