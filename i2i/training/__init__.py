"""Training: the loop, its steps, budget, validation and callbacks."""
