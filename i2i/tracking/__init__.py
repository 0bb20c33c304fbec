"""Trackers of experiments, such as Weights & Biases: one interface, each in a process of its own.

A tracker's library runs apart from the training: whatever it does - fail, hang, crash, draw random numbers, wait for a
network - the training goes on with the same bits. `process.py` is the training's side, `__main__.py` the other.
"""
