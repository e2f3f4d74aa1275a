"""Where parties are, now and recorded."""

import numpy as np

from safepassage.agents.parties import Mode
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.results import digest
from safepassage.model.trajectories import whereabouts

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
