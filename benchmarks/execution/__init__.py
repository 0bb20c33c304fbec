"""Jobs, in which order and where they run."""
