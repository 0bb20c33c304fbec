"""Scores of translated images: distances of distributions, accuracy, paired similarity."""
