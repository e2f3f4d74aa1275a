"""Where parties are, now and recorded."""

import numpy as np

from safepassage.agents.civilians import Status
from safepassage.agents.parties import Mode
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.results.columns import digest
from safepassage.model.results.trajectories import whereabouts

SHORT = {"run.duration_h": 1.5}


def test_everybody_under_way_has_a_place_on_the_map():
    model = EvacuationModel("tiny_town", **SHORT)
    while model.tick < 60:
        model.step()
    party, x_m, y_m, mode = whereabouts(model)
    assert np.array_equal(party, np.flatnonzero(model.parties.is_on_way)) and party.size > 0
    assert np.isfinite(x_m).all() and np.isfinite(y_m).all()
    assert set(mode.tolist()) <= {int(Mode.CAR), int(Mode.WALK)}
    on_link = model.movement.link_of(party) >= 0
    placed_x_m, placed_y_m = model.movement.place(party[on_link])
    np.testing.assert_allclose(x_m[on_link], placed_x_m)
    np.testing.assert_allclose(y_m[on_link], placed_y_m)


def test_places_are_recorded_only_if_asked_for_and_change_nothing_else():
    plain = EvacuationModel("tiny_town", **SHORT).run().recorder.tables()
    recorded = EvacuationModel("tiny_town", **SHORT, **{"run.record_positions_every_s": 300}).run()
    recorded = dict(recorded.recorder.tables())
    assert "trajectories" not in plain
    table = recorded.pop("trajectories").to_pandas()
    assert {name: digest(content) for name, content in plain.items()} == {n: digest(c) for n, c in recorded.items()}
    assert set(table["time_s"] % 300) == {0.0} and table["party"].size > 0
    assert not table.duplicated(["time_s", "party"]).any()


def test_cars_in_a_queue_and_people_cut_off_are_recorded_as_held_up():
    blocked = {"streets.exits.0.flow_capacity_per_s": 0.005, "run.record_positions_every_s": 300}
    lost = [{"name": name, "from_h": 1.25} for name in ("North road", "South road")]
    model = EvacuationModel("tiny_town", **SHORT, **blocked, **{"closures.exits": lost})
    seen = set()
    while model.running:
        model.step()
        if model.time_s % 300 == 0:
            party, _, _, mode = whereabouts(model)
            table = model.recorder.tables()["trajectories"].to_pandas()
            stands = table[table.time_s == model.time_s].set_index("party").loc[party, "stands"].to_numpy()
            cut_off = model.people.status[model.households.first_person[party]] == Status.STRANDED
            assert np.array_equal(stands[mode == Mode.WALK], cut_off[mode == Mode.WALK])
            cars = mode == Mode.CAR
            assert np.array_equal(stands[cars], model.movement.driving.view.is_standing(party[cars]))
            seen |= set(zip(mode.tolist(), stands.tolist(), strict=True))
    assert seen == {(mode, stands) for mode in (Mode.CAR, Mode.WALK) for stands in (False, True)}
