"""What follows a training run: metrics file, sample grids, progress line; and the class that all callbacks have."""
