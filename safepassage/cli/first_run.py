"""What the first run after installation says while it compiles."""

from collections.abc import Callable

from rich.console import Console

USUAL_S = "10 to 30"
"""Measured on two cores of 2 to 4 GHz."""


def compiling_told(console: Console, *, quiet: bool) -> Callable[[], None]:
    """Begin to compile what is not kept yet, say so, and return what tells afterwards how long it took."""
    from numba.core import event

    from safepassage.model.movement.compiling import begin

    if not begin() or quiet:
        return lambda: None
    console.print(
        f"The first run after installation compiles the model: this takes {USUAL_S} s, later runs start at once.",
        highlight=False,
    )
    timer = event.TimingListener()
    event.register("numba:compile", timer)

    def tell():
        event.unregister("numba:compile", timer)
        if timer.done:
            console.print(f"compiled in {timer.duration:.1f} s, once", highlight=False)

    return tell
