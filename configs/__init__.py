"""Settings that ship with the package: `models/*.yaml` and `bench/*.yaml`."""
