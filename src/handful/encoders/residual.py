"""ResNet-18, -34 and -50 under the names of torchvision and timm, so that weights from outside fit."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from ..task import Inputs
from .bands import bands_of
from .outside import Levels, check_waves
from .resnet import resized

FORMS = {"resnet18": ("basic", (2, 2, 2, 2)), "resnet34": ("basic", (3, 4, 6, 3)), "resnet50": ("wide", (3, 4, 6, 3))}
WIDER = {"basic": 1, "wide": 4}  # features of a block, by those of its 3 x 3 convolution


class Norm(nn.BatchNorm2d):
    """Batch norm by the running statistics that came with the weights, also while training: an answer must not depend
    on what else is in the batch."""

    def forward(self, maps: Tensor) -> Tensor:
        return F.batch_norm(maps, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps)


class Shortened(nn.Module):
    """A residual block: two convolutions of 3 x 3, or one between two of a pixel ('wide'), beside a shortcut."""

    def __init__(self, form: str, bands: int, width: int, stride: int):
        super().__init__()
        wide, found = form == "wide", width * WIDER[form]
        self.conv1 = nn.Conv2d(bands, width, 1 if wide else 3, 1 if wide else stride, 0 if wide else 1, bias=False)
        self.bn1 = Norm(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride if wide else 1, 1, bias=False)
        self.bn2 = Norm(width)
        if wide:
            self.conv3, self.bn3 = nn.Conv2d(width, found, 1, bias=False), Norm(found)
        if stride > 1 or bands != found:
            self.downsample = nn.Sequential(nn.Conv2d(bands, found, 1, stride, bias=False), Norm(found))

    def forward(self, maps: Tensor) -> Tensor:
        found = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(maps)))))
        if hasattr(self, "conv3"):
            found = self.bn3(self.conv3(F.relu(found)))
        return F.relu(found + (self.downsample(maps) if hasattr(self, "downsample") else maps))


class ResNet(nn.Module):
    """Images (n, bands, ...) -> (n, 512), or 2048 of ResNet-50 (He et al. 2016, arXiv:1512.03385).

    The stride of a 'wide' block lies in its 3 x 3 convolution, as torchvision and timm have it. Made for weights from
    outside (handful.transfer): untrained, its batch norms do nothing, since their statistics are the running ones.

    side      images are brought to this side first, 0 leaves them as they are
    waves     wavelength of each band in nm, where the weights are of other bands
    imagenet  bring bands of 0 to 1 to the mean and deviation that ImageNet's colours were trained with
    """

    reach = 0
    of_images = True  # one row an image, none of a pixel
    stride = 32  # pixels of a side of the image that one of the maps stands for
    first = "conv1.weight"

    def __init__(
        self, bands: int, side: int = 0, waves: tuple[int, ...] = (), imagenet: bool = False, form: str = "resnet18"
    ):
        super().__init__()
        (kind, counts), self.side, self.form, self.bands = FORMS[form], side, form, bands
        self.waves, self.levels = check_waves(form, bands, waves), Levels(bands, waves) if imagenet else nn.Identity()
        self.conv1, self.bn1 = nn.Conv2d(bands, 64, 7, 2, 3, bias=False), Norm(64)
        width = 64
        for level, count in enumerate(counts):
            inner = 64 * 2**level
            strides = [1 if level == 0 else 2, *[1] * (count - 1)]
            sizes = [width, *[inner * WIDER[kind]] * (count - 1)]
            blocks = (Shortened(kind, size, inner, stride) for size, stride in zip(sizes, strides, strict=True))
            setattr(self, f"layer{level + 1}", nn.Sequential(*blocks))
            width = inner * WIDER[kind]
        self.width = width
        for part in self.modules():
            if isinstance(part, nn.Conv2d):
                nn.init.kaiming_normal_(part.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, inputs: Inputs) -> Tensor:
        return self.unpooled(inputs).mean((2, 3))

    def unpooled(self, inputs: Inputs) -> Tensor:
        """Maps (n, width, ...), each pixel of which stands for `stride` pixels of a side."""
        maps = self.levels(resized(bands_of(inputs).values, self.side))
        maps = F.max_pool2d(F.relu(self.bn1(self.conv1(maps))), 3, 2, 1)
        return self.layer4(self.layer3(self.layer2(self.layer1(maps))))  # type: ignore[operator, no-any-return]
