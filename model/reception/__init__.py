"""Where people go who are out of the area: beds in reception places, ways onward, or something of their own."""
