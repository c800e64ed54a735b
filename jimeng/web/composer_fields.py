"""What stands in the form that asks for pictures, and what is offered beside it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from jimeng import auth
from jimeng.errors import JimengError
from jimeng.providers import Model
from jimeng.tasks import styles
from jimeng.web import composer_options as options
from jimeng.web import cost, given_pictures
from jimeng.web.cards import new_token
from jimeng.web.tray import Tray


@dataclass(frozen=True)
class Written:
    """
    Attributes:
        prompt: As it was written, and so are all others.
        wanted: The model, empty for the usual one.
        size: A ratio, or whatever `Model.resolve_size` takes.
        resolution: Of `options.resolutions`; empty for the usual one.
        seed: Empty to have one drawn.
        style: The id of a style, or words.
        strength: In hundredths; empty to have the model decide.
        images: The ids of the pictures that go in, in order.
        files: Others that came with the form, behind them.
        counted: How many ids the form had when it was shown.
        before: The model for which *resolution* was chosen.
        token: Makes sending it twice count once.
        errors: Field -> words; "" for what belongs to no field.
    """

    prompt: str = ""
    wanted: str = ""
    size: str = "1:1"
    resolution: str = ""
    n: str = "1"
    seed: str = ""
    style: str = ""
    strength: str = ""
    before: str = ""
    images: tuple[str, ...] = ()
    files: tuple[bytes, ...] = ()
    counted: int = 0
    token: str = field(default_factory=new_token)
    errors: Mapping[str, list[str]] = field(default_factory=dict)

    @property
    def model(self) -> Model | None:
        """The one that is asked for, else the usual one; None if there are none."""
        return found_model(self.wanted) or found_model("")

    @property
    def model_before(self) -> Model | None:
        return found_model(self.before) if self.before else None

    @cached_property
    def pictures(self) -> list[given_pictures.Given]:
        """Those that go in, as far as they are there."""
        if not self.images:
            return []
        return given_pictures.there(auth.viewer_of_page(), self.images)

    @property
    def tray(self) -> Tray:
        """What the model says to so many pictures."""
        return Tray(self.model, len(self.pictures), self.models)

    @property
    def models(self) -> list[options.ModelOption]:
        return options.model_options()

    @property
    def model_option(self) -> options.ModelOption | None:
        return next((each for each in self.models if each.model is self.model), None)

    @property
    def sizes(self) -> list[options.SizeOption]:
        return options.size_options(self.model, self.size) if self.model else []

    @property
    def size_option(self) -> options.SizeOption | None:
        return next((each for each in self.sizes if each.value == self.size), None)

    @property
    def resolutions(self) -> list[options.Resolution]:
        return options.resolutions(self.model) if self.model else []

    @property
    def chosen_resolution(self) -> options.Resolution | None:
        if self.model is None:
            return None
        return options.nearest_resolution(
            self.model, self.resolution, self.model_before
        )

    @property
    def pixels(self) -> dict[str, dict[str, str]]:
        """Ratio -> resolution -> what comes of the two, for the page to say."""
        if self.model is None:
            return {}
        return {
            ratio: {
                each.value: "×".join(map(str, options.size_of(self.model, ratio, each)))
                for each in self.resolutions
            }
            for ratio in self.model.sizes
        }

    @property
    def fen(self) -> cost.Fen:
        return cost.fen_of(self.model, self.sizes)

    @property
    def takes_strength(self) -> bool:
        """Whether the model lets it be said how far its pictures may be left."""
        takes = self.model.takes_here if self.model else None
        return bool(takes and takes.strength)

    @property
    def each(self) -> str:
        """What one picture costs, in words."""
        return cost.each_of(self.fen)

    def cost(self, is_priced: bool) -> str:
        """What sending it asks for, in words; empty if that cannot be said."""
        most = self.model.max_images if self.model else 0
        if self.n not in map(str, range(1, most + 1)):
            return ""
        row = self.fen.get(self.size, {}) if is_priced else {}
        chosen = self.chosen_resolution
        by_default = next(iter(row.values()), None)
        each = row.get(chosen.value, by_default) if chosen else by_default
        return cost.words(int(self.n), each)

    @property
    def summed_up(self) -> str:
        """Shape, resolution, count and style on one chip, as choices.js writes it."""
        size, style = self.size_option, self.named_style
        words = [size.label if size else self.size]
        if len(self.resolutions) > 1 and self.chosen_resolution:
            words.append(self.chosen_resolution.label)
        if self.model and self.model.max_images > 1:
            words.append(f"×{self.n}")
        words.append(style.label if style else self.own_style)
        return " · ".join(filter(None, words))

    @property
    def styles(self) -> list[options.StyleOption]:
        return options.style_options()

    @property
    def named_style(self) -> options.StyleOption | None:
        """The style, if it is one with a name."""
        found = styles.find(self.style)
        return next(
            (each for each in self.styles if found and each.value == found.id), None
        )

    @property
    def own_style(self) -> str:
        """The style, if it is words."""
        return "" if self.named_style else self.style

    @property
    def length(self) -> int:
        """Characters that are sent, those of the style included."""
        added = len(styles.expand(self.style)) + 1 if self.style else 0
        return len(self.prompt) + added


def found_model(name: str) -> Model | None:
    """The model of that name; None if there is none."""
    try:
        return options.find_model(name)
    except JimengError:
        return None
