"""The map and charts in a user's own page of Mesa's visualiser."""

import json

import numpy as np
import pytest

from safepassage.app.scenes import frames
from safepassage.cli.explore import explore
from safepassage.model.evacuation import EvacuationModel
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
