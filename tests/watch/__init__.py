"""The page of `i2i watch` and the film of `i2i film`."""
