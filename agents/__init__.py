"""Who acts, what they are and do: columns, Mesa handles and compiled kernels (arrays in, arrays out)."""

if __name__ == "agents":
    raise ImportError("import safepassage.agents, not agents: the folder is a part of the package safepassage")

from safepassage.collector import at_rest

with at_rest(stays=True):  # the collector's looks take a tenth of the time that importing takes
    import numba  # noqa: F401

    import safepassage.agents.lean_mesa  # noqa: F401  first, so that Mesa comes without what nothing here uses
