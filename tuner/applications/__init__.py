"""Ready hypermodels for images. Keras is imported when a model is built, not before."""

from tuner.applications.augment import HyperImageAugment
from tuner.applications.efficientnet import HyperEfficientNet
from tuner.applications.resnet import HyperResNet
from tuner.applications.xception import HyperXception

__all__ = ["HyperEfficientNet", "HyperImageAugment", "HyperResNet", "HyperXception"]
