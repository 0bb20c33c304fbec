"""Translation and scoring of what was trained."""
