"""The map and charts in a user's own page of Mesa's visualiser."""

import json

import numpy as np
import pytest

from safepassage.agents.civilians import Status
from safepassage.app.scenes import frames
from safepassage.cli.explore import explore
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.results.trajectories import whereabouts
from safepassage.model.settings.base import ScenarioError

solara = pytest.importorskip("solara", reason="solara is not installed (extra `app`)")


@pytest.mark.filterwarnings("ignore")  # of Mesa's page itself
def test_map_and_charts_follow_the_model_in_solara_viz():
    from mesa.visualization import SolaraViz
    from mesa.visualization.utils import force_update

    from safepassage.app.parts import ChartsPart, EvacuationCharts, EvacuationMap, MapPart

    model = EvacuationModel("tiny_town", **{"run.duration_h": 0.5})
    page = SolaraViz(model, components=[EvacuationMap, EvacuationCharts], name="mine")
    _, rendered = solara.render(page, handle_error=False)
    try:
        parts = [rendered.find(kind).widget for kind in (MapPart, ChartsPart)]

        def shown_s():
            return [np.frombuffer(part.frame, frames.HEAD, 1, 8)[0]["time_s"] for part in parts]

        assert shown_s() == [0.0, 0.0]
        for part in parts:
            part.vue_ack(1)
        model.step()
        force_update()  # as Mesa's button Step does
        assert shown_s() == [60.0, 60.0] and model.time_s == 60.0
    finally:
        rendered.close()


def portrayal(agent):
    from mesa.visualization.components import AgentPortrayalStyle

    return AgentPortrayalStyle(size=4, color="tab:orange" if agent.departure_time_s >= 0 else "tab:blue")


@pytest.mark.filterwarnings("ignore")  # of Mesa's page itself
def test_mesas_own_space_component_draws_the_households_where_they_are():
    from mesa.visualization import SolaraViz, SpaceRenderer, make_space_component

    drawn = []
    model = EvacuationModel("tiny_town", **{"run.duration_h": 0.5})
    component = make_space_component(portrayal, post_process=lambda ax: drawn.append(ax.collections[0].get_offsets()))
    _, rendered = solara.render(SolaraViz(model, components=[component]), handle_error=False)
    rendered.close()
    homes = np.column_stack((model.households.home_x_m, model.households.home_y_m))
    np.testing.assert_allclose(drawn[0], homes)
    renderer = SpaceRenderer(model, backend="matplotlib")
    renderer.draw_structure()
    setup = getattr(renderer, "setup_agents", None)  # from Mesa 3.4 on
    renderer.draw_agents(*(() if setup and setup(portrayal) else (portrayal,)))
    assert len(renderer.agent_mesh.collections[0].get_offsets()) == len(homes)


def test_the_space_follows_those_under_way_and_changes_nothing(tmp_path):
    seen, unseen = (EvacuationModel("tiny_town", plan="order_at_once") for _ in range(2))
    for _ in range(120):
        seen.step()
        unseen.step()
        if seen.tick % 40 == 0:
            agents = list(seen.space.agents)
    place_m = {agent.row: agent.pos for agent in agents}
    party, x_m, y_m, _ = whereabouts(seen)
    moves = party < len(seen.households)
    assert moves.sum() > 5
    here = zip(party[moves].tolist(), x_m[moves].tolist(), y_m[moves].tolist(), strict=True)
    assert all(place_m[row] == (x, y) for row, x, y in here)
    members = np.bincount(seen.people.household[seen.people.status < Status.SAFE], minlength=len(seen.households))
    assert sorted(place_m) == np.flatnonzero(members).tolist() and len(place_m) < len(seen.households)
    seen.save_state(tmp_path / "seen.npz")
    for model in (seen, unseen):
        model.step()
    np.testing.assert_array_equal(seen.people.status, unseen.people.status)


@pytest.mark.filterwarnings("ignore")  # of Mesa's page itself
def test_the_page_in_mesas_own_visualiser_shows_the_scenario_and_plan_asked_for(monkeypatch):
    from safepassage.app import mesa_page
    from safepassage.app.parts import MapPart

    monkeypatch.setenv(mesa_page.OPTIONS, json.dumps({"scenario": "tiny_town", "plan": "order_at_once"}))
    _, rendered = solara.render(mesa_page.Page(), handle_error=False)
    try:
        part = rendered.find(MapPart).widget
        assert part.towns and np.frombuffer(part.frame, frames.HEAD, 1, 8)[0]["time_s"] == 0.0
    finally:
        rendered.close()


def test_a_finished_run_is_not_stepped_in_mesas_own_visualiser(tmp_path):
    (tmp_path / "manifest.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ScenarioError, match="leave --mesa out"):
        explore(str(tmp_path), mesa=True)
