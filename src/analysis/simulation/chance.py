"""How often chance alone brings what was claimed."""

from dataclasses import dataclass

import numpy as np

from analysis.language.labels import say
from analysis.messages import Sentence, fixed
from analysis.reading.published import Claim, published_claim
from analysis.simulation.simulate import simulated_gains


@dataclass(frozen=True)
class Chance(Sentence):
    """Shares of draws in which districts that do nothing gain as much as was claimed; its repr is a sentence.

    Attributes
    ----------
    best, fixed : float
        Of the best districts in each draw, and of as many districts fixed beforehand, on the simulated panel.
    bare : float
        Of the best districts without common growth and without richer districts: chance alone.
    """

    claim: Claim
    draws: int
    best: float
    fixed: float
    bare: float
    language: str

    def __repr__(self) -> str:
        return say(
            self.language,
            "Simulated data, {draws} draws: where districts do nothing, the best {gaining} of {districts} gain {gain} "
            "CNY or more in {best:.0f} % of draws (±{error:.0f}). {gaining} districts fixed beforehand do in "
            "{fixed:.0f} %. Without common growth and without richer districts, the best {gaining} do in {bare:.0f} %.",
            draws=fixed(self.draws, 0),
            gaining=self.claim.gaining,
            districts=self.claim.districts,
            gain=f"{self.claim.gain:,.0f}",
            best=100 * self.best,
            error=100 * np.sqrt(self.best * (1 - self.best) / self.draws),
            fixed=100 * self.fixed,
            bare=100 * self.bare,
        )


def chance_of_claim(language: str = "en", *, draws: int = 2000) -> Chance:
    """Draw a year in which districts do nothing, many times, and count how often they gain what was claimed.

    Use it to read a reported gain of the best districts, which has no comparison; `simulated_gains` says how incomes
    are drawn.

    Parameters
    ----------
    language : {"en", "zh"}
    draws : int

    Examples
    --------
    >>> chance = chance_of_claim(draws=50)
    >>> chance.fixed <= chance.best <= 1
    True
    """
    claim = published_claim()
    assumed = simulated_gains(draws).to_numpy()
    bare = simulated_gains(draws, selection=False, growth=False).to_numpy()
    best, alone = (np.sort(gains, axis=1)[:, -claim.gaining :].sum(axis=1) for gains in (assumed, bare))
    fixed = assumed[:, : claim.gaining].sum(axis=1)
    reached, beforehand, chance = (float((sums >= claim.gain).mean()) for sums in (best, fixed, alone))
    return Chance(claim, draws, reached, beforehand, chance, language)
