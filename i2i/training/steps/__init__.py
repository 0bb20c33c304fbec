"""A training step: phase by phase or as CUDA graphs, and the guard that stops it at what is not finite."""
