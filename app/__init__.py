"""The page that shows an evacuation in Mesa's browser visualiser: thin, without rules of the model."""

if __name__ == "app":
    raise ImportError("import safepassage.app")
