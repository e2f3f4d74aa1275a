"""The files behind a scenario: YAML read with the place of each key, and the names of files that it points to."""
