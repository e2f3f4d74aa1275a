"""What is laid over the maps of one tab besides what moves: a layer of the streets, the difference of two maps."""

from typing import Any

from safepassage.app.scenes.difference import squares
from safepassage.app.scenes.layers import LAYERS, packed


class Overlay:
    """Remembers what was asked for and tells it to the board, anew as time passes."""

    def __init__(self) -> None:
        self._layer, self._has_difference = "", False

    def show_layer(self, name: str) -> None:
        """Colour the streets by a layer of `LAYERS`; another name: not at all."""
        self._layer = name if name in LAYERS else ""

    def show_difference(self, is_on: Any) -> None:
        """Show where more or fewer are left on the right map than on the left, or no more."""
        self._has_difference = is_on

    def tell(self, board: Any, run: Any) -> None:
        """Tell the board what is laid over the maps of a run now; nothing over a recorded one."""
        live = [] if run.is_recorded else run.scenes
        if self._layer or board.layers:
            shown = []
            for scene in live if self._layer else ():
                shares, most = packed(scene.layers.values(self._layer))
                shown.append({"shares": shares, "most": most, "words": LAYERS[self._layer]})
            board.layers = shown
        if self._has_difference or board.difference:
            board.difference = squares(*live) if self._has_difference and len(live) > 1 else {}
