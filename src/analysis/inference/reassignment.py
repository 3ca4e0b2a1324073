"""What a fitted regression would say under other assignments of treatment, without refitting it.

Unit effects, years and controls are partialled out once. A group's treatment cells, should it start in a given
year, then enter every refit through a few small products; a reassignment adds those of its treated groups.
"""

from dataclasses import dataclass

import numpy as np

from analysis.regression.regression import Regression
from analysis.regression.sample import demean
from analysis.regression.treatment_cells import Cell, cell_name, cell_of_each_row

# Cells whose scaled Gram matrix has an eigenvalue below this are not identified: no comparison is left for one.
IDENTIFICATION_TOLERANCE = 1e-10
# Cells whose weight per village-year agrees to this many digits (relative to the largest) form one average.
AVERAGE_DIGITS = 9
# Numbers held at once while assignments are worked through in blocks (64 MB).
BLOCK_NUMBERS = 8_000_000


@dataclass(frozen=True)
class GroupMoments:
    """Products from which any assignment's coefficient and cluster scores follow.

    An atom is a group with a start year it could have had (A of them, start by start); its C columns are the
    treatment cells, demeaned by unit. The K base columns are the constant, years and controls, and the two
    outcomes, freed from the base, are the real one and the pattern of an effect of one.

    Attributes
    ----------
    weight, gram, cross, outcome : ndarray, shapes (A, C), (A, C, C), (A, C, K), (A, C, 2)
        Village-years in the cells, and the cells' products with themselves, the base and the outcomes.
    base_inverse, base_gram, base_outcome : ndarray, shapes (K, K), (groups, K, K), (groups, K, 2)
    averages, totals : ndarray, shapes (averages, C) and (averages,)
        Cells with one weight per village-year form an average, whose total weight every assignment keeps.
    rows : int
    """

    weight: np.ndarray
    gram: np.ndarray
    cross: np.ndarray
    outcome: np.ndarray
    base_inverse: np.ndarray
    base_gram: np.ndarray
    base_outcome: np.ndarray
    averages: np.ndarray
    totals: np.ndarray
    rows: int


@dataclass(frozen=True)
class Refits:
    """Contrast and its CR1 variance under each assignment, for any effect taken from the observed outcome.

    Attributes
    ----------
    coefficient : ndarray, shape (assignments, 2)
        The contrast for the outcome and for an effect of one: minus r times the second is its change with r.
    variance : ndarray, shape (assignments, 3)
        Coefficients of 1, -2r and r squared in the CR1 variance.
    estimable : ndarray of bool, shape (assignments,)
    """

    coefficient: np.ndarray
    variance: np.ndarray
    estimable: np.ndarray


def group_moments(regression: Regression, contrast: np.ndarray, starts: np.ndarray) -> GroupMoments:
    """Partial unit effects, years and controls out of each group's possible treatment cells, once.

    Parameters
    ----------
    regression : Regression
    contrast : ndarray, shape (cells,)
    starts : ndarray, shape (S,)
        Start years a group can be given.
    """
    weights = regression.weights
    base = regression.design[:, ~regression.results.params.index.isin(regression.cells)]
    labels, places = _possible_cells(regression, starts)
    outcomes = np.column_stack([regression.results.model.endog, _effect_pattern(regression, contrast)])
    base_inverse = np.linalg.inv(base.T @ (base * weights[:, None]))
    outcomes = outcomes - base @ (base_inverse @ (base.T @ (outcomes * weights[:, None])))
    parts: dict[str, list[np.ndarray]] = {"weight": [], "gram": [], "cross": [], "outcome": []}
    groups = _rows_by_group(regression)
    for place in places:
        raw = (place[:, None] == np.arange(len(labels))).astype(float)
        columns = _within(raw, regression)
        for rows in groups:
            weighted = columns[rows].T * weights[rows]
            parts["weight"].append(weights[rows] @ raw[rows])
            parts["gram"].append(weighted @ columns[rows])
            parts["cross"].append(weighted @ base[rows])
            parts["outcome"].append(weighted @ outcomes[rows])
    return GroupMoments(
        **{name: np.array(part) for name, part in parts.items()},
        base_inverse=base_inverse,
        base_gram=np.array([(base[rows].T * weights[rows]) @ base[rows] for rows in groups]),
        base_outcome=np.array([(base[rows].T * weights[rows]) @ outcomes[rows] for rows in groups]),
        **_averages(regression, contrast, labels),
        rows=regression.sample.rows,
    )


def refit(moments: GroupMoments, codes: np.ndarray, spread: bool = True, outcomes: int = 2) -> Refits:
    """Contrast and, if asked for, CR1 variance of each assignment, shape (assignments, groups) of start years.

    With one outcome the variance is of no other effect than none.
    """
    atoms, cells, columns = moments.cross.shape
    widest = max(cells * cells, cells * columns, columns * columns, 2 * atoms, 2 * codes.shape[1])
    size = max(1, BLOCK_NUMBERS // (4 * widest))
    asked = outcomes if spread else 0
    blocks = [_refit_block(moments, codes[at : at + size], asked) for at in range(0, len(codes), size)]
    return Refits(*(np.concatenate(part) for part in zip(*blocks, strict=True)))


def _refit_block(moments: GroupMoments, codes: np.ndarray, asked: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    atoms, cells, columns = moments.cross.shape
    groups = codes.shape[1]
    given = (codes[:, None, :] == np.arange(atoms // groups)[:, None]).reshape(len(codes), atoms).astype(float)
    weight = given @ moments.weight
    contrast, estimable = _contrasts(moments, weight)
    cross = (given @ moments.cross.reshape(atoms, -1)).reshape(-1, cells, columns)
    projection = cross @ moments.base_inverse
    gram = (given @ moments.gram.reshape(atoms, -1)).reshape(-1, cells, cells) - projection @ cross.transpose(0, 2, 1)
    estimable &= _make_invertible(gram, weight)
    solved = np.linalg.solve(
        gram,
        np.concatenate(
            [contrast[:, :, None], (given @ moments.outcome.reshape(atoms, -1)).reshape(-1, cells, 2)], axis=2
        ),
    )
    coefficient = np.einsum("bc,bco->bo", contrast, solved[:, :, 1:])
    variance = np.full((len(codes), 3), np.nan)
    if not asked:
        return coefficient, variance, estimable
    scores = _scores(moments, given, solved, projection, asked)
    factor = groups / (groups - 1) * (moments.rows - 1) / (moments.rows - columns - (weight > 0).sum(axis=1))
    for place, (i, j) in enumerate(((0, 0), (0, 1), (1, 1)) if asked == 2 else ((0, 0),)):
        variance[:, place] = factor * (scores[i] * scores[j]).sum(axis=1)
    return coefficient, variance, estimable


def _scores(
    moments: GroupMoments, given: np.ndarray, solved: np.ndarray, projection: np.ndarray, outcomes: int
) -> list[np.ndarray]:
    """Each group's part of the contrast's estimation error, for one outcome or both, shape (assignments, groups)."""
    groups = len(moments.base_gram)
    direction = solved[:, :, 0]
    base_direction = np.einsum("bc,bck->bk", direction, projection)
    scores = []
    for outcome in range(outcomes):
        fitted = solved[:, :, 1 + outcome]
        base_fitted = np.einsum("bc,bck->bk", fitted, projection)
        cross = _outer(direction, base_fitted) + _outer(fitted, base_direction)
        own = direction @ moments.outcome[:, :, outcome].T + cross @ _flat(moments.cross)
        own -= _outer(direction, fitted) @ _flat(moments.gram)
        shared = base_direction @ moments.base_outcome[:, :, outcome].T
        shared += _outer(base_direction, base_fitted) @ _flat(moments.base_gram)
        scores.append((own * given).reshape(len(given), -1, groups).sum(axis=1) - shared)
    return scores


def _outer(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    return (left[:, :, None] * right[:, None, :]).reshape(len(left), -1)


def _flat(array: np.ndarray) -> np.ndarray:
    return array.reshape(len(array), -1).T


def _contrasts(moments: GroupMoments, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The contrast's weights on the cells of each assignment; false where an average has no village-year left."""
    held = weight @ moments.averages.T
    scale = np.divide(moments.totals, held, out=np.zeros_like(held), where=held > 0)
    return weight * (scale @ moments.averages), (held > 0).all(axis=1)


def _make_invertible(gram: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Put ones where a cell is empty (its contrast is zero); true where the other cells are identified."""
    length = np.sqrt(np.where(weight > 0, weight, 1.0))
    diagonal = np.arange(weight.shape[1])
    gram[:, diagonal, diagonal] += weight <= 0
    scaled = gram / length[:, :, None] / length[:, None, :]
    identified = np.linalg.eigvalsh(scaled)[:, 0] > IDENTIFICATION_TOLERANCE
    gram[~identified] = np.eye(weight.shape[1])
    return identified


def _within(values: np.ndarray, regression: Regression) -> np.ndarray:
    """Deviations from weighted unit means; unlike the regression's columns, zero outside the treated units."""
    return demean(values, regression.sample.frame, regression.weights)


def _rows_by_group(regression: Regression) -> list[np.ndarray]:
    groups = regression.sample.frame.groupby("group", sort=False, observed=True).indices
    return [groups[name] for name in regression.sample.frame["group"].unique()]


def _effect_pattern(regression: Regression, contrast: np.ndarray) -> np.ndarray:
    """An effect of constant size in the cells the contrast weighs, such that the contrast is one; shape (n,)."""
    pattern = np.append(np.sign(contrast) / np.abs(contrast).sum(), 0.0)
    return _within(pattern[regression.cell_of_row][:, None], regression)[:, 0]


def _possible_cells(regression: Regression, starts: np.ndarray) -> tuple[list[Cell], list[np.ndarray]]:
    """All cells some assignment can fill, and for every start year the cell of each row (-1 for none)."""
    frame = regression.sample.frame
    filled = [
        cell_of_each_row(frame.assign(first_treated=start), regression.kind, regression.reference) for start in starts
    ]
    labels = sorted({cell for cells, _ in filled for cell in cells}, key=str)
    position = {label: number for number, label in enumerate(labels)}
    return labels, [np.array([*map(position.get, cells), -1])[membership] for cells, membership in filled]


def _averages(regression: Regression, contrast: np.ndarray, labels: list[Cell]) -> dict[str, np.ndarray]:
    """Which cells the contrast averages by village-years, and each average's total weight.

    A cell the data do not hold joins the average of the cells at its event time, where they share one.
    """
    density = contrast / regression.cell_weights()
    density = np.round(density / np.abs(density).max(), AVERAGE_DIGITS)
    known = dict(zip(regression.cells, density, strict=True))
    values = np.array([_density(label, labels, known) for label in labels])
    kinds = np.unique(density[density != 0])
    totals = np.array([contrast[density == value].sum() for value in kinds])
    return {"averages": (values == kinds[:, None]).astype(float), "totals": totals}


def _density(label: Cell, labels: list[Cell], known: dict[str, float]) -> float:
    if cell_name(label) in known:
        return known[cell_name(label)]
    alike = {known[cell_name(other)] for other in labels if other[1] == label[1] and cell_name(other) in known}
    alike = alike or set(known.values())
    return alike.pop() if len(alike) == 1 else 0.0
