"""Settings of every test: one thread, so that small networks are quick and results repeat."""

import torch

torch.set_num_threads(1)
