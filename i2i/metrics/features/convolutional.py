"""The convolutional part of torchvision's networks, with published weights, for what compares maps of features."""

from pathlib import Path
from typing import Any

import torch
from torch import nn

from i2i.metrics.features._files import read_tensors


def convolutional_features(title: str, weights: Path) -> nn.Sequential:
    """The layers of torchvision's network `title` ahead of its classifier, in evaluation mode, on the CPU.

    Args:
        title: torchvision's name of it, such as vgg19.
        weights: file of its weights, with or without those of the classifier.

    Raises:
        UserError: the file cannot be read, or its tensors are not those of the network.
    """
    with torch.device("meta"):  # the weights come from the file, so none are drawn
        import torchvision  # takes seconds

        whole: Any = torchvision.models.get_model(title, weights=None)
    expected = {f"features.{name}": tensor for name, tensor in whole.features.state_dict().items()}
    state = read_tensors(weights, f"torchvision's {title}", expected, ["classifier"])
    own = {name.removeprefix("features."): tensor.float() for name, tensor in state.items()}
    whole.features.load_state_dict(own, assign=True)
    features: nn.Sequential = whole.features
    return features.eval()
