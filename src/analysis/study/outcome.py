"""What an outcome column measures."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from analysis.messages import former_options

SCALES = ("level", "log", "poisson")
LINEAR = ("level", "log")
FORMER_LOG = {"log": ("scale", {True: "log", False: "level"})}


@dataclass(frozen=True)
class Outcome:
    """What an outcome column measures, as tables, figures and sentences name it.

    Attributes
    ----------
    scale : {"poisson", "log", "level"}, optional
        On which scale effects on it are estimated where nothing else is asked: in per cent of what would have been, on
        its logarithm, or in its unit. Left out, in its unit.
    logged : bool
        Whether the column holds logarithms already: its unit is log points, and no logs are taken of it.
    """

    name: str
    unit: str = ""
    label_en: str = ""
    label_zh: str = ""
    definition: str = ""
    prices: str = ""
    scale: str | None = None
    logged: bool = False

    def __post_init__(self) -> None:
        if self.logged:
            object.__setattr__(self, "unit", "log points")

    @property
    def label(self) -> str:
        """Reader's name of the outcome: its English label, else its Chinese one, else its column name."""
        return self.label_en or self.label_zh or self.name


Outcome.__init__ = former_options(**FORMER_LOG)(Outcome.__init__)  # type: ignore[method-assign]


def described(outcomes: Mapping[str, Outcome] | Iterable[str] | None) -> dict[str, Outcome]:
    """Outcomes by name, however they were given."""
    if isinstance(outcomes, str):
        outcomes = [outcomes]
    if isinstance(outcomes, Mapping):
        return dict(outcomes)
    return {name: Outcome(name) for name in outcomes or ()}
