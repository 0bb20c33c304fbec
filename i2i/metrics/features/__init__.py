"""Feature extractors of the distances, and the domain classifier."""
