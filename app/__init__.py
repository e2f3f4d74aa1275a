"""The page of `safepassage explore`, on Solara as Mesa's visualiser is: thin, without rules of the model."""

if __name__ == "app":
    raise ImportError("import safepassage.app")
