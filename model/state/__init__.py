"""A model on disk: saved, gone on with, branched."""
