"""The mistake of a user, in a module that loads at once: the command line needs it before anything else."""


class ScenarioError(ValueError):
    """Something that a user gave cannot be used. The message names the place, the value and the change to make."""
