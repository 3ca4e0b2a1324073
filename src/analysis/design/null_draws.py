"""A design as it is or as it is planned, and what it would estimate where the policy does nothing."""

from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from scipy import stats

from analysis.design.replication import replicate
from analysis.design.shocks import Shocks
from analysis.effects.estimate import Estimate
from analysis.effects.verbs import did
from analysis.inference.cluster_pieces import ClusterPieces, adjusted_direction, cluster_codes, cluster_pieces
from analysis.inference.cluster_robust import caution, cr2
from analysis.messages import StudyError, check_whole
from analysis.study.panel_checks import DESIGN_COLUMNS
from analysis.study.study import Study


@dataclass(frozen=True)
class NullDraws:
    """Estimates and standard errors where the policy does nothing: all that power needs.

    A constant effect moves every estimate by itself and no residual, so one set of draws serves every effect.

    Attributes
    ----------
    estimates, errors : ndarray, shape (replications,)
    df : float
        Satterthwaite degrees of freedom, a matter of the design alone.
    """

    estimates: np.ndarray
    errors: np.ndarray
    df: float

    def power(self, effect: float, level: float) -> float:
        """Share of draws that reject no effect, were the effect this large; draws count with both signs."""
        return float(self._rejected(effect, level).mean())

    def monte_carlo_error(self, effect: float, level: float) -> float:
        """Standard error of `power`, from the spread over draws of what both signs give together."""
        return float(self._rejected(effect, level).mean(axis=0).std() / np.sqrt(len(self.errors)))

    def _rejected(self, effect: float, level: float) -> np.ndarray:
        bar = stats.t.ppf((1 + level) / 2, self.df) * self.errors
        return np.array([np.abs(sign * self.estimates + effect) >= bar for sign in (-1, 1)])


def planned_design(
    study: Study, outcome: str, before: int = 0, after: int = 0, treated: int = 1, untreated: int = 1
) -> Estimate:
    """An estimate of the design on an outcome without meaning; copies and further years as asked for."""
    check_whole(0, years_before=before, years_after=after)
    check_whole(1, treated_copies=treated, untreated_copies=untreated)
    known, time = study.column(outcome).notna(), study.frame["time"]
    planned = time > time[known].max() if known.any() else ~known
    frame = _more_years(study.frame.loc[known | planned, DESIGN_COLUMNS], before, after)
    inside = frame["first_treated"].notna()
    parts = [frame[inside]] * treated + [frame[~inside]] * untreated
    copies = [
        part.assign(unit=part["unit"].astype(str) + f" {n}", group=part["group"].astype(str) + f" {n}")
        for n, part in enumerate(parts)
    ]
    frame = pd.concat(copies).sort_values(["unit", "time"], ignore_index=True)
    frame["value"] = np.random.default_rng(0).standard_normal(len(frame))
    if not (frame["time"] >= frame["first_treated"]).any():
        raise StudyError(
            f"No {study.noun} under treatment has {outcome!r}, and only years after the last one in which anybody has "
            f"it ({time[known].max()}) count as planned. Leave it empty for everybody in the years to plan."
        )
    return did(Study(frame, noun=study.noun), "value", collapse=False)


def _more_years(frame: pd.DataFrame, before: int, after: int) -> pd.DataFrame:
    """The design with further years at its ends, for the villages seen in one of the two years next to them."""
    years = np.unique(frame["time"])
    step = int(np.diff(years).min()) if len(years) > 1 else 1
    first = frame[frame["time"] <= years[:2].max()].drop_duplicates("unit")
    last = frame[frame["time"] >= years[-2:].min()].drop_duplicates("unit", keep="last")
    if after and not last["first_treated"].notna().any():
        raise StudyError("No treated village is seen in the panel's last two years, so none can be followed further.")
    added = [first.assign(time=years[0] - step * more) for more in range(1, before + 1)]
    added += [last.assign(time=years[-1] + step * more) for more in range(1, after + 1)]
    return pd.concat([frame, *added])


def null_draws(design: Estimate, shocks: Shocks, replications: int, seed: int) -> NullDraws:
    """Draw outcomes without effect; estimate and CR2 error are linear and quadratic in them, so nothing is refitted."""
    regression = design.fitted
    clusters = cluster_codes(regression, "group")
    order = np.argsort(clusters, kind="stable")
    pieces = cluster_pieces(regression, design.effect, clusters)
    if warning := caution(pieces):
        raise StudyError(f"No standard error of this design can be believed, so it has no power: {warning}.")
    frame = regression.sample.frame.iloc[order]
    task = partial(
        _null_draw,
        shocks=shocks,
        codes=[pd.factorize(frame[name])[0] for name in ("group", "unit")],
        year=(frame["time"] - frame["time"].min()).to_numpy(),
        scale=shocks.sizes(frame["unit"].str.rsplit(" ", n=1).str[0], frame["first_treated"].notna().to_numpy()),
        basis=regression.orthonormal()[0][order],
        pieces=pieces,
        adjusted=adjusted_direction(pieces, power=-0.5)[0],
    )
    check_whole(2, replications=replications)
    drawn = replicate(task, replications, seed, "draws")
    if not drawn[:, 1].max() > 0:
        raise StudyError("The outcome does not move before the first start, so any effect would be found. Check it.")
    return NullDraws(drawn[:, 0], drawn[:, 1], cr2(pieces).df)


def _null_draw(
    generator: np.random.Generator,
    _replication: int,
    *,
    shocks: Shocks,
    codes: list[np.ndarray],
    year: np.ndarray,
    scale: np.ndarray,
    basis: np.ndarray,
    pieces: ClusterPieces,
    adjusted: np.ndarray,
) -> np.ndarray:
    """Estimate and CR2 standard error of one draw without effect, as `cr2` of a regression on it would give."""
    outcome = scale * shocks.draw(generator, codes[0], codes[1], year)
    products = np.add.reduceat(basis * outcome[:, None], np.flatnonzero(np.diff(codes[0], prepend=-1)))
    whole = products.sum(axis=0)
    free = pieces.residual_sums.basis
    scores = products[pieces.informative] - pieces.sums.grams @ (free @ (free.T @ whole))
    return np.array([pieces.direction @ whole, np.linalg.norm((scores * adjusted).sum(axis=1))])
