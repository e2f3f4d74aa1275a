"""A model on disk: saving it, going on from it, and going on with another plan."""
