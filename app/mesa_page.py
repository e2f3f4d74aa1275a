"""Mesa's own visualiser with the map and the charts of an evacuation: `safepassage explore --mesa`."""

import json
import os

import solara
from mesa.visualization import SolaraViz

from safepassage.app.page import OPTIONS
from safepassage.app.parts import EvacuationCharts, EvacuationMap
from safepassage.model.evacuation import EvacuationModel


@solara.component
def Page():
    """One tab: a model of its own, stepped by Mesa's controls; Reset builds it anew with the seed chosen."""
    options = json.loads(os.environ[OPTIONS])
    given = {"scenario": options["scenario"], "plan": options["plan"]}
    model = solara.use_memo(lambda: EvacuationModel(**given), [])
    seed = {"type": "SliderInt", "label": "seed", "value": int(model.seed), "min": 0, "max": 1000}
    title = options["scenario"] if options["plan"] is None else f"{options['scenario']}, {options['plan']}"
    SolaraViz(
        model,
        components=[EvacuationMap, EvacuationCharts],
        model_params={**given, "rng": seed},
        name=f"{title} in Mesa",
    )
