"""UXsim's C++ engine, on the same world as its Python one."""

from benchmarks.city import City
from benchmarks.peers import Outcome, uxsim_python


def version() -> str | None:
    """Return the version if the engine is built for this machine, None otherwise."""
    try:
        from uxsim import uxsim_cpp  # noqa: F401
    except ImportError:
        return None
    return uxsim_python.version()


def run(city: City) -> Outcome:
    """Drive everyone out."""
    return uxsim_python.run(city, cpp=True)
