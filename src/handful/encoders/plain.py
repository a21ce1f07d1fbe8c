"""No encoder at all: the bands, or the table, as they come."""

from torch import Tensor, nn

from ..errors import SettingsError
from ..task import Inputs
from .bands import bands_of


class Plain(nn.Module):
    """The values of the bands themselves; a table (n, features) as it is."""

    reach = 0

    @property
    def width(self) -> int:
        """Raises SettingsError: it is known only once a table is there, too late for a head that is learned."""
        raise SettingsError("encoder 'plain' learns nothing and has no width: for a head that is learned take 'table'.")

    def forward(self, inputs: Inputs) -> Tensor:
        return inputs if isinstance(inputs, Tensor) else bands_of(inputs).values
