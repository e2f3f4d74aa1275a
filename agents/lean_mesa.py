"""Mesa without its spaces and experiments, which nothing here uses; they load when somebody asks for them.

`import mesa` imports all of Mesa, and with it scipy.spatial and networkx: a third of the time that the model takes to
import. Here these parts come as modules that load themselves when one of their names is first asked for, and then are
as always. The loader of the standard library would not do: it loads a module as soon as anybody asks where its file
is, and Mesa's own logging asks that of every module there is.
"""

import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import PathFinder
from threading import RLock
from types import ModuleType

LATER = ("mesa.discrete_space", "mesa.experimental", "mesa.space")
"""Parts of Mesa that load when first used."""

_loading = RLock()


class _Waiting(ModuleType):
    """A module that has not run yet; it runs when it is first asked for a name."""

    def __getattr__(self, name):
        if name.startswith("__") and name != "__all__":
            raise AttributeError(name)
        with _loading:
            loader = self.__dict__.pop("_loader", None)
            if loader is not None:
                loader.exec_module(self)
                self.__class__ = ModuleType
        return ModuleType.__getattribute__(self, name)


class _Later(Loader):
    def __init__(self, loader):
        self.loader = loader

    def create_module(self, spec):
        return _Waiting(spec.name)

    def exec_module(self, module):
        module.__spec__.loader = module.__loader__ = self.loader
        module._loader = self.loader


class _Finder(MetaPathFinder):
    def find_spec(self, fullname, path=None, target=None):
        spec = PathFinder.find_spec(fullname, path, target) if fullname in LATER else None
        if spec is not None:
            spec.loader = _Later(spec.loader)
        return spec


_finder = _Finder()
sys.meta_path.insert(0, _finder)
try:
    from mesa.datacollection import DataCollector  # noqa: F401  for the model, which must not come before the finder
finally:
    sys.meta_path.remove(_finder)
