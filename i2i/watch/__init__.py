"""The page of `i2i watch`, and the film of `i2i film`: how a training goes, from its run folder alone."""
