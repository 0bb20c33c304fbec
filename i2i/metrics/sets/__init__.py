"""Measures of two sets of images, beside the distances that a bench always takes."""
