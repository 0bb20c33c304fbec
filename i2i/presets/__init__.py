"""Settings to start from: what ships with the package, and what single training runs take of it."""
