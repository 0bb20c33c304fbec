"""What a bench compares: suites, presets and overrides."""
