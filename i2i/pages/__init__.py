"""Pages in one file that open from disk: how they are put together, and what they share."""
