"""The compiled rules: arrays in, arrays out. Leaving, harm, walking, driving."""
