"""Results of several benches beside each other: entries, one small file for each bench, and what they say together."""
