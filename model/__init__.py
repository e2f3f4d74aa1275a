"""The world, the loop and what leaves it."""

if __name__ == "model":
    raise ImportError("import safepassage.model, not model: the folder is a part of the package safepassage")
