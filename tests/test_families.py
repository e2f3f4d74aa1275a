import numpy as np
import pytest
from made_people import people_of

from safepassage.model.behaviour.covariates import Covariate
from safepassage.model.behaviour.information import addressed_by
from safepassage.model.decisions_only import DecisionsOnly
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.people.families import split
from safepassage.model.results.run_folder import open_run
from safepassage.model.settings.behaviour import Order
from safepassage.model.settings.scenario import load


def test_splitting_keeps_everybody_and_more_of_it_splits_the_same_families_and_others():
    whole = people_of()
    few, many = people_of(p_split=0.2), people_of(p_split=0.6)
    for made in (few, many):
        households, people = made[2], made[3]
        n = len(whole[2])
        assert len(people) == 2000 and sorted(people.age) == sorted(whole[3].age)
        assert (np.bincount(households.family, households.n_members, len(households))[:n] == whole[2].n_members).all()
        stays = np.arange(n, len(households))
        rest = households.family[stays]
        assert (households.family[rest] == rest).all() and (
            households.home_node[stays] == households.home_node[rest]
        ).all()
        assert (households.n_members[stays] == 1).all() and (people.age[households.first_person[stays]] >= 18).all()
        assert not households.has_children[stays].any() and households.has_children[rest].all()
        assert not households.has_car[stays].any() and (households.has_car[:n] == whole[2].has_car).all()
        adults = np.add.reduceat((people.age >= 18).astype(int), households.first_person[:-1])
        assert (adults[:n] >= 1).all()
    split_few, split_many = (set(made[2].family[len(whole[2]) :].tolist()) for made in (few, many))
    assert split_few < split_many and len(split_few) > 10


def test_an_order_for_families_does_not_address_the_adult_who_stays_behind():
    _, zones, households, _, _ = people_of(p_split=1.0)
    order = Order(issued_h=0, force="compulsory", audience="families_with_children")
    addressed = addressed_by(order, households, zones.name)
    stays = households.family != np.arange(len(households))
    assert stays.sum() > 50 and not addressed[stays].any() and addressed[households.family[stays]].all()


def test_all_families_that_can_split_do_so_if_told_to():
    _, _, households, people, _ = people_of()
    u = np.full(len(households), 0.999)
    apart, _ = split(households, people, 1.0, u, np.zeros(len(people)))
    adults = np.add.reduceat((people.age >= 18).astype(int), households.first_person[:-1])
    assert len(apart) - len(households) == (households.has_children & (adults >= 2)).sum()


def test_who_stays_behind_leaves_after_the_family_and_both_are_joined_in_the_results(tmp_path):
    quiet = {"shelling.sources": [], "behaviour.coefficients.baseline_per_day": 20.0, "run.duration_h": 6.0}
    model = EvacuationModel("tiny_town", **quiet, **{"population.p_split": 1.0}).run()
    households = model.households
    stays = np.flatnonzero(households.family != np.arange(len(households)))
    rest = households.family[stays]
    decided = np.isfinite(households.decision_time_s[stays])
    assert decided.sum() > 10 and (~decided).sum() > 10
    departed = households.departure_time_s[rest[decided]]
    assert (households.decision_time_s[stays[decided]] > departed).all()
    run = open_run(model.save(tmp_path))
    persons = run.frame("persons")
    together = persons.groupby("family")["household"].nunique()
    assert (together == 2).sum() == stays.size
    assert persons[persons.family.isin(rest)].groupby("family")["home_x_m"].nunique().eq(1).all()
    assert run.frame("zones").n_residents.sum() == 2000
    assert {row["margin"] for row in run.manifest["synthesis"]} >= {"age and sex", "household size", "car", "zone"}


def test_old_people_who_decide_for_themselves_leave_every_child_with_an_adult_under_65():
    whole = people_of()
    few, many, split_too = (
        people_of(p_old_decide_alone=p, p_split=p_split) for p, p_split in ((0.2, 0.0), (0.7, 0.0), (0.7, 0.5))
    )
    n = len(whole[2])
    apart = []
    for _, _, households, people, _ in (few, many, split_too):
        assert len(people) == 2000 and sorted(people.age) == sorted(whole[3].age)
        family_size = np.bincount(households.family, households.n_members, len(households))
        assert (family_size[:n] == whole[2].n_members).all()
        youngest, oldest = (f.reduceat(people.age, households.first_person[:-1]) for f in (np.minimum, np.maximum))
        decides_alone = (households.family != np.arange(len(households))) & ~households.stays_behind
        assert (youngest[decides_alone] >= 65).all() and not households.has_car[decides_alone].any()
        left_by_them = households.family[decides_alone]
        of_age = (people.age >= 18) & (people.age < 65)
        assert (np.bincount(people.household, of_age, len(households))[left_by_them] > 0).all()
        assert (oldest[households.has_children] >= 18).all()
        rows = decides_alone[people.household]
        apart.append(set(zip(people.key[rows].tolist(), people.place_key[rows].tolist(), strict=True)))
    assert apart[0] < apart[1] and len(apart[0]) > 30


def test_of_the_last_to_leave_more_are_old_if_the_old_decide_for_themselves_and_the_town_empties_as_before():
    runs = [
        DecisionsOnly(load("pokrovsk", {"population.residents": 6000, "population.p_old_decide_alone": p})).run()
        for p in (0.0, 0.6)
    ]
    is_gone = [run.gone_s()[run.people.household] <= run.duration_s for run in runs]
    together, apart = (run.people.age[~gone] for run, gone in zip(runs, is_gone, strict=True))
    assert (apart >= 65).mean() > (together >= 65).mean() + 0.08
    assert apart.size == pytest.approx(together.size, rel=0.12)
    alone = runs[1].information.covariates[Covariate.LONE_OLD] > 0
    households = runs[1].households
    assert alone.any() and (households.family[alone] == np.flatnonzero(alone)).all()
