"""From a suite and data to jobs."""
