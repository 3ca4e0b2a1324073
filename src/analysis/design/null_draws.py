"""A design as it is or as it is planned, and what it would estimate where the policy does nothing."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import stats

from analysis.design.poisson_draws import PoissonDesign
from analysis.design.replication import replicate
from analysis.design.shocks import DrawnOutcomes, Shocks
from analysis.effects.estimate import Estimate
from analysis.effects.verbs import did
from analysis.inference.cluster_pieces import ClusterPieces, adjusted_direction, cluster_codes, cluster_pieces
from analysis.inference.cluster_robust import caution, cr2
from analysis.messages import StudyError, check_whole, singular
from analysis.study.panel_checks import DESIGN_COLUMNS
from analysis.study.study import Study

# The outcome without meaning of a planned design.
DRAWN = "drawn outcome"
# Standard errors in log points below this are rounding.
NO_SHOCK = 1e-9
# Draws, and the effect put into each with both signs, that show how degrees of freedom move with an effect.
DF_DRAWS, DF_EFFECT = 20, 0.4


@dataclass(frozen=True)
class NullDraws:
    """Estimates and standard errors where the policy does nothing: all that power needs.

    A constant effect moves every estimate by itself and no residual (in a Poisson regression very nearly), so one set
    of draws serves every effect. Draws without a finite answer find nothing.

    Attributes
    ----------
    estimates, errors, df : ndarray, shape (replications,)
        Satterthwaite degrees of freedom are a matter of the design alone, but in a Poisson regression.
    ratios : bool
        Whether they are of a Poisson regression, where gains and losses are not found alike.
    df_growth : float
        By how many log points degrees of freedom rise with an effect of one log point, which shifts the weights.
    """

    estimates: np.ndarray
    errors: np.ndarray
    df: np.ndarray
    ratios: bool = False
    df_growth: float = 0.0

    def power(self, effect: float, level: float) -> float:
        """Share of draws that reject no effect, were the effect this large.

        In levels and logs draws count with both signs, less their mean: power is of the effect, not of a bias.
        """
        return float(self._rejected(effect, level).mean())

    def monte_carlo_error(self, effect: float, level: float) -> float:
        """Standard error of `power`, from the spread over draws of what both signs give together."""
        return float(self._rejected(effect, level).mean(axis=0).std() / np.sqrt(len(self.errors)))

    def _rejected(self, effect: float, level: float) -> np.ndarray:
        bar = stats.t.ppf((1 + level) / 2, self.df * np.exp(self.df_growth * effect)) * self.errors
        if self.ratios:
            return np.abs(self.estimates + effect)[None] >= bar
        centred = self.estimates - self.estimates.mean()
        return np.array([np.abs(sign * centred + effect) >= bar for sign in (-1, 1)])


def planned_design(
    study: Study, outcome: str, before: int = 0, after: int = 0, treated: int = 1, untreated: int = 1
) -> Estimate:
    """An estimate of the design on an outcome without meaning; copies and further years as asked for.

    It has the study's weights and its controls, but those that vary and are unknown in a planned year: the estimate's
    study has the ones that are left.
    """
    check_whole(0, years_before=before, years_after=after)
    check_whole(1, treated_copies=treated, untreated_copies=untreated)
    known, time = study.column(outcome).notna(), study.frame["time"]
    planned = time > time[known].max() if known.any() else ~known
    controls, weights = study.specification(outcome)
    columns = [*dict.fromkeys([*controls, *([weights] if weights else [])])]
    frame = study.frame[[*DESIGN_COLUMNS, *columns]].assign(planned=planned)[known | planned]
    varying = [name for name in controls if frame.groupby("unit")[name].nunique().max() > 1]
    frame = _carried(_more_years(frame, before, after, varying), [name for name in columns if name not in varying])
    seen = frame[frame["planned"]].groupby("time")[varying].count()
    controls = tuple(name for name in controls if name not in seen or (seen[name] > 0).all())
    inside = frame["first_treated"].notna()
    # Both sides count their copies from 0, so that a group that holds treated and untreated units stays one.
    parts = [(n, frame[inside]) for n in range(treated)] + [(n, frame[~inside]) for n in range(untreated)]
    copies = [part.assign(**{key: part[key].astype(str) + f" {n}" for key in ("unit", "group")}) for n, part in parts]
    frame = pd.concat(copies).sort_values(["unit", "time"], ignore_index=True)
    frame[DRAWN] = np.random.default_rng(0).standard_normal(len(frame))
    if not (frame["time"] >= frame["first_treated"]).any():
        fault = (
            "No {noun} under treatment has {outcome!r}, and only years after the last one in which anybody has it "
            "({last}) count as planned. Leave it empty for everybody in the years to plan."
        )
        raise StudyError(fault, noun=singular(study.noun), outcome=outcome, last=time[known].max())
    return did(replace(study, frame=frame, controls=controls), DRAWN, collapse=False)


def _more_years(frame: pd.DataFrame, before: int, after: int, varying: list[str]) -> pd.DataFrame:
    """The design with further years at its ends, for the villages seen in one of the two years next to them."""
    years = np.unique(frame["time"])
    step = int(np.diff(years).min()) if len(years) > 1 else 1
    first = frame[frame["time"] <= years[:2].max()].drop_duplicates("unit")
    last = frame[frame["time"] >= years[-2:].min()].drop_duplicates("unit", keep="last")
    if after and not last["first_treated"].notna().any():
        raise StudyError("No treated village is seen in the panel's last two years, so none can be followed further.")
    added = [first.assign(time=years[0] - step * more) for more in range(1, before + 1)]
    added += [last.assign(time=years[-1] + step * more) for more in range(1, after + 1)]
    unknown = dict.fromkeys(varying, np.nan) | {"planned": True}
    return pd.concat([frame, *(part.assign(**unknown) for part in added)])


def _carried(frame: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """Weights and controls that never change, in planned years as they were."""
    frame = frame.sort_values(["unit", "time"], ignore_index=True)
    for name in names:
        kept = frame.groupby("unit")[name].ffill().groupby(frame["unit"]).bfill()
        frame[name] = frame[name].where(frame[name].notna() | ~frame["planned"], kept)
    return frame


def null_draws(design: Estimate, shocks: Shocks, replications: int, seed: int, scale: str = "level") -> NullDraws:
    """Draw outcomes without effect, and what the headline inference makes of each.

    In levels and logs estimate and CR2 error are linear and quadratic in the outcome, so that nothing is refitted; a
    Poisson regression is, on sums over villages alike.
    """
    regression = design.fitted
    clusters = cluster_codes(regression, "group")
    pieces = cluster_pieces(regression, design.effect, clusters)
    if warning := caution(pieces):
        raise StudyError("No standard error of this design can be believed, so it has no power: {why}.", why=warning)
    check_whole(2, replications=replications)
    poisson = scale == "poisson"
    solver = PoissonDesign.of(design, pieces) if poisson else LinearDesign.of(design, pieces, clusters)
    outcomes = DrawnOutcomes.of(regression.sample.frame, shocks)
    drawn = replicate(lambda generator, _: solver.headline(outcomes.draw(generator)), replications, seed, "draws")
    if not np.nanmax(drawn[:, 1], initial=0) > (NO_SHOCK if poisson else 0):
        raise StudyError("The outcome does not move without treatment, so any effect would be found. Check it.")
    growth = _df_growth(solver, outcomes, seed) if isinstance(solver, PoissonDesign) else 0.0
    estimates, errors, df = drawn.T
    return NullDraws(estimates, errors, df, poisson, growth)


def _df_growth(solver: PoissonDesign, outcomes: DrawnOutcomes, seed: int) -> float:
    """How degrees of freedom grow with an effect, in the middle of some draws."""
    some = [outcomes.draw(np.random.default_rng([seed, number])) for number in range(DF_DRAWS)]
    df = np.array([[solver.headline(drawn, sign * DF_EFFECT)[2] for sign in (1, -1)] for drawn in some])
    return float(np.nanmedian(np.log(df[:, 0] / df[:, 1]))) / (2 * DF_EFFECT)


@dataclass(frozen=True)
class LinearDesign:
    """A regression in levels or logs, reduced to what its estimate and CR2 error make of an outcome."""

    order: np.ndarray
    basis: np.ndarray
    groups: np.ndarray
    pieces: ClusterPieces
    adjusted: np.ndarray
    df: float

    @classmethod
    def of(cls, design: Estimate, pieces: ClusterPieces, clusters: np.ndarray) -> "LinearDesign":
        """That of a fitted design, whose outcome has no meaning."""
        order = np.argsort(clusters, kind="stable")
        adjusted, df = adjusted_direction(pieces, power=-0.5)[0], cr2(pieces).df
        groups = np.flatnonzero(np.diff(clusters[order], prepend=-1))
        basis = design.fitted.orthonormal()[0] * np.sqrt(design.fitted.weights)[:, None]
        return cls(order, basis[order], groups, pieces, adjusted, df)

    def headline(self, outcome: np.ndarray) -> np.ndarray:
        """Effect, CR2 error and degrees of freedom, as `did` and `cr2` give them."""
        pieces, products = self.pieces, np.add.reduceat(self.basis * outcome[self.order, None], self.groups)
        whole, free = products.sum(axis=0), pieces.residual_sums.basis
        scores = products[pieces.informative] - pieces.sums.grams @ (free @ (free.T @ whole))
        return np.array([pieces.direction @ whole, np.linalg.norm((scores * self.adjusted).sum(axis=1)), self.df])
