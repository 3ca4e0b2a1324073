"""What an outcome column measures, and in which unit readers see effects on it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.language.labels import say, term
from analysis.language.texts import Text
from analysis.language.units import scale_of_unit
from analysis.messages import amount, fixed, former_options

SCALED = {"level": "in levels", "log": "in logs", "poisson": "in per cent (Poisson)"}
SCALES = tuple(SCALED)
LINEAR = ("level", "log")
LOG_POINTS = "log points"
SHOWN_UNITS = {LOG_POINTS: "%", "%": "percentage points"}
"""Units that readers see under another name: log points become per cent of what would have been."""
SMALLEST_TENTH = 0.05
"""Per cents alone have one decimal from here on."""
FORMER_LOG = {"log": ("scale", {True: "log", False: "level"})}


@dataclass(frozen=True)
class Outcome:
    """What an outcome column measures, as tables, figures and sentences name it.

    Attributes
    ----------
    scale : {"poisson", "log", "level"}, optional
        On which scale effects on it are estimated where nothing else is asked: in per cent of what would have been, on
        its logarithm, or in its unit. Left out, money and counts are analysed in per cent and all else in its unit.
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
            object.__setattr__(self, "unit", LOG_POINTS)

    @property
    def label(self) -> str:
        """Reader's name of the outcome: its English label, else its Chinese one, else its column name."""
        return self.label_in("en")

    def label_in(self, language: str) -> str:
        """Reader's name in a language, else in the other, else the column's name."""
        labels = (self.label_zh, self.label_en) if language == "zh" else (self.label_en, self.label_zh)
        return next(filter(None, labels), self.name)

    @property
    def usual_scale(self) -> str:
        """The scale declared, else "poisson" for money and counts and "level" for all else."""
        return self.scale or scale_of_unit(self.unit)

    @property
    def why(self) -> Text:
        """Why effects are on their usual scale, behind a comma."""
        if self.logged:
            return Text("as the column holds logarithms")
        if self.scale:
            return Text("as declared")
        grows = self.usual_scale == "poisson"
        return Text("as money and counts grow in per cent" if grows else "as its unit is no money or count")


Outcome.__init__ = former_options(**FORMER_LOG)(Outcome.__init__)  # type: ignore[method-assign]


def shown_unit(unit: str) -> str:
    """The unit in which readers see effects of a unit.

    Examples
    --------
    >>> shown_unit("log points"), shown_unit("%"), shown_unit("CNY")
    ('%', 'percentage points', 'CNY')
    """
    return SHOWN_UNITS.get(unit, unit)


def shown(unit: str, effects: Any) -> Any:
    """Effects in their `shown_unit`, numbers or arrays of them.

    Examples
    --------
    >>> round(float(shown("log points", 0.1)), 2), shown("CNY", 0.1)
    (10.52, 0.1)
    """
    return 100 * np.expm1(effects) if unit == LOG_POINTS else effects


def effect_in_words(unit: str, effect: float, language: str = "en") -> str:
    """An effect alone, in words: its number and its unit as readers see them.

    Examples
    --------
    >>> effect_in_words("log points", 0.1), effect_in_words("CNY", 49_075.0)
    ('10.5 %', '49,075 CNY')
    """
    number = shown(unit, effect)
    in_per_cent = unit == LOG_POINTS and abs(number) >= SMALLEST_TENTH
    size = fixed(number, 1) if in_per_cent else amount(number)
    return say(language, "{number} {unit}", number=size, unit=term(language, shown_unit(unit))).rstrip()


def described(outcomes: "Mapping[str, Outcome] | Iterable[str | Outcome] | str | Outcome | None") -> dict[str, Outcome]:
    """Outcomes by name, however they were given."""
    if isinstance(outcomes, str | Outcome):
        outcomes = [outcomes]
    if isinstance(outcomes, Mapping):
        return dict(outcomes)
    given = [one if isinstance(one, Outcome) else Outcome(one) for one in outcomes or ()]
    return {one.name: one for one in given}
