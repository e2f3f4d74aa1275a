"""Safe Passage: civilian evacuation under shelling, simulated street by street.

    from safepassage import EvacuationModel
    model = EvacuationModel("tiny_town", rng=1).run()

Names are imported when first used, so that `import safepassage` stays quick.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "EvacuationModel": "safepassage.model.evacuation",
    "Scenario": "safepassage.model.settings.scenario",
    "load": "safepassage.model.settings.scenario",
    "open_run": "safepassage.model.results.run_folder",
    "Rules": "safepassage.model.rules",
    "ScenarioError": "safepassage.model.settings.base",
    "run_batch": "safepassage.experiments.sweeps.batch",
    "open_study": "safepassage.experiments.sweeps.study_folder",
}
__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'safepassage' has no attribute {name!r}; it has {', '.join(_HOMES)}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
