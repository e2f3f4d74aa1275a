"""What the map shows: a town, and its state at a moment, of a running model or a recorded run, as bytes."""
