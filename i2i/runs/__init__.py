"""Run folders: checkpoints, saving, loading, locks."""
