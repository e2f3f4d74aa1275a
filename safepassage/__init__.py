"""Safe Passage: civilian evacuation under shelling, simulated street by street."""
