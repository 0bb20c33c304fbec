"""What a bench does in worker processes: a class for each kind of job."""
