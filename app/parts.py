"""The map and the charts of an evacuation as components for a page of your own in Mesa's visualiser.

    from mesa.visualization import SolaraViz
    from safepassage import EvacuationModel
    from safepassage.app.parts import EvacuationCharts, EvacuationMap

    page = SolaraViz(EvacuationModel("tiny_town"), components=[EvacuationMap, EvacuationCharts])

Save this as `own_page.py` and start it with `solara run own_page.py`. Both take the model alone, like every component
of Mesa's, and draw anew whenever Mesa does. They read the model and never change it.
"""

import solara
import traitlets
from ipyvue import VueTemplate
from mesa.visualization.utils import update_counter

from safepassage.app.map import MAP_PARTS, Pump, template
from safepassage.app.scenes.scene import LiveScene


class Part(VueTemplate):
    """What the two components share: a town, and pictures of it, one in flight at a time."""

    towns = traitlets.List().tag(sync=True)
    streets = traitlets.Bytes(b"").tag(sync=True)
    frame = traitlets.Bytes(b"").tag(sync=True)

    def __init__(self, **kwargs):
        self.pump, self._scene = Pump(), None
        super().__init__(**kwargs)

    def follow(self, scene: LiveScene) -> None:
        """Show a scene as it is now; another one than before from its beginning."""
        with self.pump.busy:
            if scene is not self._scene:
                self._scene = scene
                self.pump.show([scene])
                self.pump.attach(self)
            else:
                scene.note_row()
                self.pump.offer()

    def vue_ack(self, seq):
        """Note what the browser has drawn."""
        self.pump.ack(int(seq))


class MapPart(Part):
    """The map: streets, movers, impacts, closures, exits with how many are out."""

    template = traitlets.Unicode(template("map_part.vue", MAP_PARTS)).tag(sync=True)


class ChartsPart(Part):
    """The charts: status, modes, exits, queues, casualties, time at risk."""

    template = traitlets.Unicode(template("charts_part.vue", ("texts.js", "frame.js", "charts.js"))).tag(sync=True)


def _show(part: type[Part], model) -> None:
    update_counter.get()
    scene = solara.use_memo(lambda: LiveScene(model), [id(model)])
    element = part.element()
    solara.use_effect(lambda: solara.get_widget(element).follow(scene), None)


@solara.component
def EvacuationMap(model):
    """Map of an EvacuationModel for `SolaraViz(model, components=[EvacuationMap])`; drag to move, wheel to zoom."""
    _show(MapPart, model)


@solara.component
def EvacuationCharts(model):
    """Charts of an EvacuationModel for `SolaraViz(model, components=[EvacuationCharts])`."""
    _show(ChartsPart, model)
