"""Questions that need many runs: comparisons, sensitivity, robustness, calibration, optimisation."""
