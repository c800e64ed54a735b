"""The pictures in the form, and what the chosen model says to so many of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from jimeng.http.bodies import MOST_WITH_PICTURES
from jimeng.i18n import t
from jimeng.providers import Model
from jimeng.web.composer_options import ModelOption


@dataclass(frozen=True)
class Tray:
    """
    Attributes:
        model: The one that is chosen; None if there is none.
        count: How many pictures stand in the form.
        models: All that the form offers.
    """

    model: Model | None
    count: int
    models: Sequence[ModelOption]

    @property
    def together(self) -> int:
        """Mebibytes that a form may have without a script, with all its files."""
        return MOST_WITH_PICTURES // 2**20

    @property
    def most(self) -> int:
        """Pictures that the model takes."""
        takes = self.model.takes_here if self.model else None
        return takes.most if takes else 0

    @property
    def least(self) -> int:
        takes = self.model.takes_here if self.model else None
        return takes.least if takes else 0

    @property
    def why_not(self) -> str:
        """Why the model takes none, in words."""
        lacks = self.model.lacks if self.model and self.model.takes else None
        return t(f"lacks.{lacks}") if lacks else t("given.cannot")

    @property
    def state(self) -> str:
        """What there is to say: ``none``, ``cannot``, ``many`` or ``few``."""
        if self.count and not self.most:
            return "cannot"
        if self.count > self.most:
            return "many"
        return "few" if self.count < self.least else "none"

    @property
    def instead(self) -> ModelOption | None:
        """
        A model that takes as many: rather one that draws from words, too, and as many
        of those as there may be. Where there is none, the one that takes the most.
        """
        taking = [
            (each, each.model.takes_here)
            for each in self.models
            if each.model.takes_here
        ]
        fitting = [pair for pair in taking if pair[1].most >= max(self.count, 1)]
        if fitting:
            return min(fitting, key=lambda pair: pair[1].least)[0]
        return max(taking, key=lambda pair: pair[1].most)[0] if taking else None
