"""Many runs, one table: verification against published answers, batches and studies."""

if __name__ == "experiments":
    raise ImportError("import safepassage.experiments: the folder is a part of the package safepassage")
