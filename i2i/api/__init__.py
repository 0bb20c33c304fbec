"""The Python interface: what the commands do, for programs and notebooks. `import i2i` offers its functions late."""
