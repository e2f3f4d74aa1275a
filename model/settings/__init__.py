"""The sections of a scenario file, one module per subject: frozen, checked, every default with its source."""
