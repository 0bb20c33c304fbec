"""Run folders from and to other formats."""
