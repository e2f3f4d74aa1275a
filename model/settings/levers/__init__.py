"""Levers that planners can pull, each in a file of its own: truces and corridors, institutions that are brought out."""
