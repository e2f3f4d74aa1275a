"""Levers that planners can pull, each in a file: truces, institutions brought out, reception places with beds."""
