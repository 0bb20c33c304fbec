"""How networks are called in the public reference implementations: names, settings and weights, in and out."""
