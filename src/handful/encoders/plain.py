"""No encoder at all: the bands, or the table, as they come."""

from torch import Tensor, nn

from ..task import Inputs
from .bands import bands_of


class Plain(nn.Module):
    """The values of the bands themselves; a table (n, features) as it is."""

    reach = 0

    def forward(self, inputs: Inputs) -> Tensor:
        return inputs if isinstance(inputs, Tensor) else bands_of(inputs).values
