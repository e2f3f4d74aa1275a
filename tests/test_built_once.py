"""Streets, zones and people of a process: made once for each content, never shared where a run writes."""

import shutil

import numpy as np
from service_towns import digests

from safepassage.model import built_once
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.settings.scenario import load
from safepassage.model.state.graph import attributes


def _forget():
    for kept in (built_once._streets, built_once._ground, built_once._people):
        kept.cache_clear()


def test_two_models_share_no_array_that_a_run_writes_to():
    one, other = EvacuationModel("tiny_town", rng=1), EvacuationModel("tiny_town", rng=1)
    assert one.streets is other.streets and one.zones is other.zones
    for rows in ("people", "households", "parties"):
        for name, value in attributes(getattr(one, rows)).items():
            if isinstance(value, np.ndarray):
                assert not np.shares_memory(value, getattr(getattr(other, rows), name)), f"{rows}.{name}"


def test_a_model_built_from_what_others_left_gives_the_bits_of_one_built_alone():
    _forget()
    alone = digests(EvacuationModel("tiny_town", rng=1).run())
    EvacuationModel("tiny_town", rng=2, **{"population.p_car": 0.9}).run()
    assert digests(EvacuationModel("tiny_town", rng=1).run()) == alone


def test_another_seed_another_population_and_another_file_are_built_anew(tmp_path):
    first = EvacuationModel("tiny_town", rng=1)
    assert not np.array_equal(first.people.age, EvacuationModel("tiny_town", rng=2).people.age)
    more_cars = EvacuationModel("tiny_town", rng=1, **{"population.p_car": 1.0, "population.p_car_lone_65": 1.0})
    assert more_cars.households.has_car.all() and not first.households.has_car.all()
    zones = tmp_path / "zones.geojson"
    given = load("tiny_town").population.zones
    shutil.copy(given, zones)
    before = EvacuationModel("tiny_town", rng=1, **{"population.zones": str(zones)})
    zones.write_text(given.read_text().replace('"population": ', '"population": 1'))
    assert len(EvacuationModel("tiny_town", rng=1, **{"population.zones": str(zones)}).people) > len(before.people)


def test_streets_are_read_once_for_models_of_other_seeds_and_plans(monkeypatch):
    _forget()
    monkeypatch.setenv("SAFEPASSAGE_CACHE", "")
    read = []
    given = built_once.load_streets
    monkeypatch.setattr(built_once, "load_streets", lambda settings: read.append(settings) or given(settings))
    for seed in (1, 2, 3):
        EvacuationModel("tiny_town", rng=seed, **{"population.p_car": seed / 10})
    assert len(read) == 1
