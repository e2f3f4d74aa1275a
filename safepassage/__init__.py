"""Safe Passage: civilian evacuation under shelling, simulated street by street.

    from safepassage import EvacuationModel
    model = EvacuationModel("tiny_town", rng=1).run()

Names are imported when first used, so that `import safepassage` stays quick.
"""

from importlib import import_module

_HOMES = {
    "EvacuationModel": "safepassage.model.evacuation",
    "Scenario": "safepassage.model.config",
    "load": "safepassage.model.config",
    "open_run": "safepassage.model.results",
    "ScenarioError": "safepassage.model.settings.base",
    "run_batch": "safepassage.experiments.batch",
    "open_study": "safepassage.experiments.study_folder",
}
__all__ = list(_HOMES)


def __getattr__(name):
    if name not in _HOMES:
        raise AttributeError(f"module 'safepassage' has no attribute {name!r}; it has {', '.join(_HOMES)}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__():
    return sorted([*globals(), *_HOMES])
