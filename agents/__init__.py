"""Who acts, what they are and do: columns, Mesa handles and compiled kernels (arrays in, arrays out)."""

if __name__ == "agents":
    raise ImportError("import safepassage.agents, not agents: the folder is a part of the package safepassage")

import safepassage.agents.lean_mesa  # noqa: F401  first, so that Mesa comes without what nothing here uses
