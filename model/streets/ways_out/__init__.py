"""Where people leave the area: the roads that lead on from an exit, and the doubts about exits found."""
