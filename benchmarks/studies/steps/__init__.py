"""Training steps on random images, in several ways, by the clock and against what a machine can do at best."""
