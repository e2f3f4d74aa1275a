"""What households know and decide: information, decision, curfew."""
