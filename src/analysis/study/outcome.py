"""What an outcome column measures."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Outcome:
    """What an outcome column measures, as tables, figures and sentences name it."""

    name: str
    unit: str = ""
    label_en: str = ""
    label_zh: str = ""
    definition: str = ""
    prices: str = ""
    log: bool = False

    @property
    def label(self) -> str:
        """Reader's name of the outcome: its English label, else its Chinese one, else its column name."""
        return self.label_en or self.label_zh or self.name


def described(outcomes: Mapping[str, Outcome] | Iterable[str] | None) -> dict[str, Outcome]:
    """Outcomes by name, however they were given."""
    if isinstance(outcomes, str):
        outcomes = [outcomes]
    if isinstance(outcomes, Mapping):
        return dict(outcomes)
    return {name: Outcome(name) for name in outcomes or ()}
