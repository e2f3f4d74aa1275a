"""The answer page of a comparison: what a plan changes, how surely, where and for whom, on two printed pages."""
