"""A mixture for traits of all kinds: every segment has its own normal distribution of the numbers, its own shares of
every category, and its own habits in every block of counts.

What a customer does again and again is not drawn afresh each time: who pays by card mostly pays by card again. Counts
under one customer are therefore drawn in two steps. The customer has a favourite level, drawn from the segment's
shares; each of the customer's orders follows the favourite with probability ``habit``, else the segment's shares; and
around this the customer's own shares vary as under a Dirichlet distribution of ``concentration``. Nested are the plain
multinomial (habit 0, concentration without bound) and the Dirichlet-multinomial (habit 0). Both are estimated, one
each per block.

Fitted by expectation and maximisation; missing numbers and empty blocks are integrated out. Sources: Dempster, Laird
and Rubin (1977); McLachlan and Peel (2000) for mixtures of mixed data; Minka (2000) for the Dirichlet-multinomial, of
which the updates here are an extension to base shares with a favourite; Schwarz (1978) for BIC.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from analytics.segmentation.encoding import Encoded

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

FIT_ROWS, SCREEN_ROWS = 20_000, 1_500
SCREEN_STEPS, MOST_STEPS = 25, 500
MOST_POLISHED = 3  # starts that are carried to convergence, should the best ones leave a segment empty
TOLERANCE = 1e-5  # of the log-likelihood per row
RIDGE = 1e-3  # at least, on the variances of the numbers, which are about 1
LEAST_ROWS = 1.0  # a component that holds fewer is begun anew
_PSEUDO = 1.0  # orders per segment and block that are shared out like everybody's
_MOST_CONCENTRATED, _LEAST_CONCENTRATED, _MOST_HABIT = 1e4, 0.1, 0.98
_STEPS_OF_CONCENTRATION = (0.7, 1.0, 1.4)
_LEAST_HABIT, _HARDLY_VARIED = 0.08, 500.0
_MOST_BEGUN_ANEW = 3
_ROWS_AT_ONCE, _MOST_LOOKED_UP = 65_536, 1_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Habits:
    """One block of counts.

    Attributes
    ----------
    shares : k x levels; of what a segment's orders are, 0-1.
    habit : share of a customer's orders that follow the favourite whatever the shares, 0-1.
    concentration : how alike the customers of a segment are; infinite for a category, where there is one value each.
    """

    shares: Floats
    habit: float
    concentration: float


@dataclass(frozen=True, slots=True, eq=False)
class Mixture:
    """A fitted mixture of k segments.

    Attributes
    ----------
    weights : k, sums to 1. ``means``: k x p; ``covariances``: k x p x p, with the ridge; ``blocks``: one per block.
    log_likelihood : mean per fitted row, of the numbers and of the sequence of each customer's orders.
    bic : -2 x log-likelihood + parameters x log(rows); the lower the better, for the same rows only.
    """

    weights: Floats
    means: Floats
    covariances: Floats
    blocks: tuple[Habits, ...]
    log_likelihood: float
    bic: float
    n_fitted: int
    n_steps: int
    converged: bool

    @property
    def n_segments(self) -> int:
        return len(self.weights)

    def assign(self, encoded: Encoded) -> tuple[Ints, Floats]:
        """The most probable segment of each row, and by how much it is more probable than the second (0 to 1)."""
        posterior = self.posterior(encoded.numbers, encoded.counts)
        index: Ints = posterior.argmax(axis=1).astype(np.int64)
        if self.n_segments == 1:
            return index, np.ones(len(index))
        two = np.partition(posterior, self.n_segments - 2, axis=1)[:, -2:]
        return index, two[:, 1] - two[:, 0]

    def posterior(self, numbers: Floats, counts: tuple[Ints, ...]) -> Floats:
        """n x k: the probability of each segment for each row."""
        parts = []
        for start in range(0, len(numbers), _ROWS_AT_ONCE):
            rows = slice(start, start + _ROWS_AT_ONCE)
            joint = _joint(self, _Rows.of(numbers[rows], tuple(block[rows] for block in counts), self.blocks))[0]
            parts.append(_normalised(joint)[0].T)
        return np.concatenate(parts) if parts else np.empty((0, self.n_segments))


def fit_mixture(
    numbers: Floats, counts: tuple[Ints, ...], n_segments: int, *, n_init: int, random_state: int
) -> Mixture:
    """Fit ``n_segments`` components to standardised ``numbers`` (n x p, NaN = unknown) and blocks of ``counts``.

    From more than ``FIT_ROWS`` rows that many are drawn. ``n_init`` starts, from centres spread out as by k-means++
    and from random rows in turn, run for some steps on at most ``SCREEN_ROWS`` rows; the best goes on, on all rows, to
    convergence, and where that leaves a segment without a customer the next best one too.
    """
    rng = np.random.default_rng(random_state)
    if len(numbers) > FIT_ROWS:
        drawn = np.sort(rng.choice(len(numbers), FIT_ROWS, replace=False))
        numbers, counts = numbers[drawn], tuple(block[drawn] for block in counts)
    rows = _Rows.of(numbers, counts)
    few = np.sort(rng.choice(len(numbers), min(SCREEN_ROWS, len(numbers)), replace=False))
    screen = rows if len(few) == len(numbers) else _Rows.of(numbers[few], tuple(block[few] for block in counts))
    points = _embedded(screen)
    started = []
    for i in range(max(n_init, 1)):
        first = _spread_out(points, n_segments, rng) if i % 2 == 0 else _random(points, n_segments, rng)
        started.append(_climb(screen, _maximised(screen, first, None), SCREEN_STEPS, rng))
    started.sort(key=_rank, reverse=True)
    fitted = []
    for start in started[:MOST_POLISHED]:
        fitted.append(_climb(rows, _simplified(start.mixture), MOST_STEPS, rng))
        if not fitted[-1].n_empty:
            break
    return max(fitted, key=_rank).mixture


# ---- rows, prepared once


class _Block(NamedTuple):
    """A block of counts by its entries above zero, in order of rows. Entries of one level and count share a ``pair``.

    ``plain``: of each row at most one was counted, or customers are known to differ no further than their segments.
    ``rows``: rows with any count, ``dense`` their counts; ``begins``: where the entries of each of them begin;
    ``row``: of each entry, its place among ``rows``.
    """

    n_levels: int
    plain: bool
    rows: Ints
    dense: Floats
    begins: Ints
    row: Ints
    pair: Ints
    pair_level: Ints
    pair_count: Ints
    totals: Floats
    total_rows: Floats  # how many rows have each of ``totals``


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    numbers: Floats
    ridge: Floats
    patterns: tuple[tuple[npt.NDArray[np.bool_], Ints], ...]  # which numbers are known, and for which rows
    blocks: tuple[_Block, ...]

    @classmethod
    def of(cls, numbers: Floats, counts: tuple[Ints, ...], blocks: tuple[Habits, ...] = ()) -> _Rows:
        """``blocks``: what is to be computed, where it is known already."""
        known = ~np.isnan(numbers)
        found, which = known[:1], np.zeros(len(numbers), dtype=np.int64)
        if not known.all():
            found, which = np.unique(known, axis=0, return_inverse=True)
        patterns = [(pattern, np.flatnonzero(which.ravel() == i)) for i, pattern in enumerate(found)]
        plain = [bool(np.isinf(habits.concentration)) for habits in blocks]
        plain = plain or [int(block.sum(axis=1).max(initial=0)) <= 1 for block in counts]
        ridge = np.zeros(numbers.shape[1]) if blocks else _ridge(numbers)
        return cls(numbers, ridge, tuple(patterns), tuple(map(_block, counts, plain)))

    def __len__(self) -> int:
        return len(self.numbers)


def _ridge(numbers: Floats) -> Floats:
    """What is added to the variance of each number: that of its steps where values are coarse (Sheppard 1898).

    Answers from 1 to 5 are rounded; without it a segment of all who said 3 would have no spread and any density.
    """
    ridge = np.full(numbers.shape[1], RIDGE)
    for j, column in enumerate(numbers.T):
        values, held = np.unique(column[~np.isnan(column)], return_counts=True)
        if len(values) > 1:
            steps = np.diff(values)
            nearest = np.minimum(np.append(steps, np.inf), np.append(np.inf, steps))
            ridge[j] = max(RIDGE, float(np.average(nearest, weights=held)) ** 2 / 12)
    return ridge


def _block(counts: Ints, plain: bool) -> _Block:
    totals = counts.sum(axis=1)
    held = np.flatnonzero(totals)
    # Plain shares are described by ``dense`` alone.
    row, level = np.nonzero(counts[:0] if plain else counts)
    count = counts[row, level].astype(np.int64)
    width = int(count.max(initial=0)) + 1
    pairs, pair = _numbered(level * width + count)
    begins = np.searchsorted(row, held)
    values, value_rows = np.unique(totals[held], return_counts=True)
    return _Block(
        n_levels=counts.shape[1],
        plain=plain,
        rows=held,
        dense=(counts if len(held) == len(counts) else counts[held]).astype(np.float64),
        begins=begins,
        row=np.repeat(np.arange(len(held)), np.diff(begins, append=len(row))),
        pair=pair,
        pair_level=pairs // width,
        pair_count=pairs % width,
        totals=values.astype(np.float64),
        total_rows=value_rows.astype(np.float64),
    )


def _numbered(codes: Ints) -> tuple[Ints, Ints]:
    """The different codes in ascending order, and the place of each among them; not sorted while they are small."""
    if codes.max(initial=0) > _MOST_LOOKED_UP:
        found, place = np.unique(codes, return_inverse=True)
        return found, place.astype(np.int64)
    seen = np.bincount(codes) > 0
    return np.flatnonzero(seen), (np.cumsum(seen) - 1)[codes]


# ---- expectation: everything inside is k x rows, so that sums over rows run along memory


class _Climbed(NamedTuple):
    mixture: Mixture
    n_empty: int


def _rank(climbed: _Climbed) -> tuple[bool, float]:
    return not climbed.n_empty, climbed.mixture.log_likelihood


def _climb(rows: _Rows, mixture: Mixture, most_steps: int, rng: np.random.Generator) -> _Climbed:
    """Expectation and maximisation in turn until the log-likelihood no longer rises."""
    before, converged, n_steps, begun_anew = -np.inf, False, 0, 0
    while True:
        joint, favourites = _joint(mixture, rows)
        posterior, log_likelihood = _normalised(joint)
        now = float(log_likelihood.mean()) + _constants(mixture, rows) / len(rows)
        converged = abs(now - before) < TOLERANCE
        if converged or n_steps == most_steps:
            break
        before = now
        n_steps += 1
        thin = np.flatnonzero(posterior.sum(axis=1) < LEAST_ROWS)
        if len(thin) and begun_anew < _MOST_BEGUN_ANEW and len(rows) > mixture.n_segments:
            begun_anew += 1
            mixture = _maximised(rows, _begun_anew(posterior, thin, log_likelihood, rng), None)
        else:
            mixture = _maximised(rows, posterior, mixture, favourites)
    total, n = now * len(rows), len(rows)
    fitted = replace(
        mixture,
        log_likelihood=now,
        bic=-2 * total + _n_parameters(mixture) * float(np.log(n)),
        n_fitted=n,
        n_steps=n_steps,
        converged=converged,
    )
    return _Climbed(fitted, mixture.n_segments - len(np.unique(posterior.argmax(axis=0))))


def _begun_anew(posterior: Floats, thin: Ints, log_likelihood: Floats, rng: np.random.Generator) -> Floats:
    """Components without customers start again at some of those that are described worst."""
    k, n = posterior.shape
    worst = np.argsort(log_likelihood)[: max(n // (4 * k), 1)]
    for j in thin:
        chosen = rng.choice(worst, max(len(worst) // 2, 1), replace=False)
        posterior[:, chosen] = 0.0
        posterior[j, chosen] = 1.0
    return posterior


def _n_parameters(mixture: Mixture) -> int:
    k, p = mixture.means.shape
    n: int = k - 1 + k * (p + p * (p + 1) // 2)
    for block in mixture.blocks:
        n += k * (block.shares.shape[1] - 1) + (2 if np.isfinite(block.concentration) else 0)
    return n


def _normalised(joint: Floats) -> tuple[Floats, Floats]:
    """Posterior probabilities and the log-likelihood of each row, from log joint densities."""
    top = joint.max(axis=0)
    posterior = np.exp(joint - top)
    total = posterior.sum(axis=0)
    posterior /= total
    return posterior, top + np.log(total)


class _Favourites(NamedTuple):
    """Of a block. ``total``: k x rows with counts, log of the sum over favourites; ``gain``: k x entries, of one."""

    total: Floats
    gain: Floats


def _joint(mixture: Mixture, rows: _Rows) -> tuple[Floats, tuple[_Favourites | None, ...]]:
    """k x n log densities of each row in each segment, with what the next step needs of each block."""
    joint = np.repeat(np.log(mixture.weights)[:, None], len(rows), axis=1)
    if mixture.means.shape[1]:
        joint += _gaussian(mixture, rows)
    favourites = []
    for habits, block in zip(mixture.blocks, rows.blocks, strict=True):
        found = None
        if len(block.rows):
            if np.isfinite(habits.concentration):
                densities, found = _of_habits(habits, block)
            else:
                densities = np.log(habits.shares) @ block.dense.T
            if len(block.rows) == len(rows):
                joint += densities
            else:
                joint[:, block.rows] += densities
        favourites.append(found)
    return joint, tuple(favourites)


def _constants(mixture: Mixture, rows: _Rows) -> float:
    """What the blocks add to the log-likelihood whatever the segment."""
    from scipy.special import gammaln

    total = 0.0
    for habits, block in zip(mixture.blocks, rows.blocks, strict=True):
        a = habits.concentration
        if np.isfinite(a):
            total += float(((gammaln(a) - gammaln(a + block.totals)) * block.total_rows).sum())
    return total


def _gaussian(mixture: Mixture, rows: _Rows) -> Floats:
    densities = np.zeros((mixture.n_segments, len(rows)))
    for known, which in rows.patterns:
        if not known.any():
            continue
        part = rows.numbers if known.all() and len(which) == len(rows) else rows.numbers[np.ix_(which, known)]
        for j in range(mixture.n_segments):
            factor = np.linalg.cholesky(mixture.covariances[j][np.ix_(known, known)])
            whitened = (part - mixture.means[j, known]) @ np.linalg.inv(factor).T
            log_determinant = 2 * np.log(np.diag(factor)).sum()
            distance = np.einsum("ij,ij->i", whitened, whitened)
            densities[j, which] = -0.5 * (known.sum() * np.log(2 * np.pi) + log_determinant + distance)
    return densities


def _summed(entries: Floats, block: _Block) -> Floats:
    """k x entries added up over each row's entries."""
    return np.asarray(np.add.reduceat(entries, block.begins, axis=1))


def _bases(habits: Habits) -> tuple[Floats, Floats]:
    """k x levels: pseudo-counts of a level that is not, and that is, the favourite."""
    plain = (1 - habits.habit) * habits.shares
    return habits.concentration * plain, habits.concentration * (habits.habit + plain)


def _of_habits(habits: Habits, block: _Block) -> tuple[Floats, _Favourites]:
    """k x rows with counts: log density of their orders, without what is the same in all segments."""
    from scipy.special import gammaln

    plain, favoured = (base[:, block.pair_level] for base in _bases(habits))
    low = gammaln(plain + block.pair_count) - gammaln(plain)
    gain = (gammaln(favoured + block.pair_count) - gammaln(favoured) - low)[:, block.pair]
    shares = habits.shares[:, block.pair_level][:, block.pair]
    # log(sum over all levels of share x exp(gain)); a level never bought gains nothing.
    top = np.maximum.reduceat(gain, block.begins, axis=1)
    inner = _summed(shares * np.exp(gain - top[:, block.row]), block)
    never = np.maximum(1.0 - _summed(shares, block), 0.0)
    total = top + np.log(inner + never * np.exp(-top))
    return _summed(low[:, block.pair], block) + total, _Favourites(total, gain)


# ---- maximisation


def _maximised(
    rows: _Rows, posterior: Floats, before: Mixture | None, favourites: tuple[_Favourites | None, ...] = ()
) -> Mixture:
    """The mixture that fits the rows best under these probabilities; ``before`` where there is no best in one step."""
    held = posterior.sum(axis=1) + 1e-12
    means, covariances = _moments(rows, posterior, held, before)
    blocks = []
    for i, block in enumerate(rows.blocks):
        seen = posterior if len(block.rows) == len(rows) else posterior[:, block.rows]
        of_favourites = favourites[i] if favourites else None
        if before is not None and of_favourites is not None:
            blocks.append(_habits(block, seen, before.blocks[i], of_favourites))
        else:
            blocks.append(_plain_habits(block, seen, before.blocks[i] if before else None))
    return Mixture(
        weights=held / held.sum(),
        means=means,
        covariances=covariances,
        blocks=tuple(blocks),
        log_likelihood=-np.inf,
        bic=np.inf,
        n_fitted=len(rows),
        n_steps=0,
        converged=False,
    )


def _moments(rows: _Rows, posterior: Floats, held: Floats, before: Mixture | None) -> tuple[Floats, Floats]:
    """Means and covariances; what is unknown is filled with its expectation given what is known."""
    k, p = len(posterior), rows.numbers.shape[1]
    means, covariances = np.zeros((k, p)), np.zeros((k, p, p))
    if not p:
        return means, covariances
    complete = all(known.all() for known, _ in rows.patterns)
    for j, weight in enumerate(posterior):
        filled, spread = rows.numbers, np.zeros((p, p))
        if not complete:
            mean = before.means[j] if before else np.zeros(p)
            covariance = before.covariances[j] if before else np.eye(p)
            filled, spread = _filled(rows, weight, mean, covariance)
        means[j] = weight @ filled / held[j]
        centred = filled - means[j]
        covariances[j] = ((centred * weight[:, None]).T @ centred + spread) / held[j]
        covariances[j].flat[:: p + 1] += rows.ridge
    return means, covariances


def _filled(rows: _Rows, weight: Floats, mean: Floats, covariance: Floats) -> tuple[Floats, Floats]:
    """The numbers with unknown ones as expected, and the weighted sum of the covariances that remain."""
    filled, spread = rows.numbers.copy(), np.zeros_like(covariance)
    for known, which in rows.patterns:
        unknown = ~known
        if not unknown.any():
            continue
        inside = covariance[np.ix_(unknown, unknown)]
        expected = np.tile(mean[unknown], (len(which), 1))
        if known.any():
            across = covariance[np.ix_(unknown, known)]
            slopes = np.linalg.solve(covariance[np.ix_(known, known)], across.T).T
            expected = expected + (rows.numbers[np.ix_(which, known)] - mean[known]) @ slopes.T
            inside = inside - slopes @ across.T
        filled[np.ix_(which, unknown)] = expected
        spread[np.ix_(unknown, unknown)] += weight[which].sum() * inside
    return filled, spread


def _by_level(block: _Block, per_pair: Floats) -> Floats:
    """k x pairs added up to k x levels."""
    return np.stack([np.bincount(block.pair_level, one, minlength=block.n_levels) for one in per_pair])


def _by_pair(block: _Block, entries: Floats) -> Floats:
    """k x entries added up to k x pairs."""
    return np.stack([np.bincount(block.pair, one, minlength=len(block.pair_level)) for one in entries])


def _prior(block: _Block) -> Floats:
    """What everybody's orders are, for a segment that has hardly any; no level is impossible."""
    totals = block.dense.sum(axis=0) + 0.5
    return np.asarray(_PSEUDO * totals / totals.sum())


def _plain_habits(block: _Block, posterior: Floats, before: Habits | None) -> Habits:
    """Shares of what was counted; where customers have several orders, a first guess of how much they repeat."""
    shares = posterior @ block.dense + _prior(block)
    shares /= shares.sum(axis=1, keepdims=True)
    if block.plain or (before is not None and np.isinf(before.concentration)):
        return Habits(shares, 0.0, np.inf)
    return Habits(shares, 0.3, 50.0)


def _habits(block: _Block, posterior: Floats, before: Habits, favourites: _Favourites) -> Habits:
    """One step towards the best shares, habit and concentration: each of them never lowers the likelihood.

    Orders are either fresh draws from the base shares or repeat an earlier one (Polya's urn); a fresh draw of the
    favourite is either habit or a draw from the segment's shares. The expected numbers of each give the new shares.
    """
    from scipy.special import psi

    shares, total, gain = before.shares, favourites.total, favourites.gain
    never = posterior * np.exp(-total)  # times share: the probability that a level never bought is the favourite
    of_entry = posterior[:, block.row]
    share = shares[:, block.pair_level][:, block.pair]
    favourite = of_entry * share * np.exp(gain - total[:, block.row])
    as_favourite, as_any = _by_pair(block, favourite), _by_pair(block, of_entry)
    as_other = as_any - as_favourite
    drawn_favourites = never.sum(axis=1)[:, None] * shares
    drawn_favourites += _by_level(block, as_favourite - _by_pair(block, share * never[:, block.row]))

    plain, favoured = (base[:, block.pair_level] for base in _bases(before))
    count = block.pair_count
    fresh_other = _by_level(block, as_other * plain * (psi(plain + count) - psi(plain)))
    fresh_favourite = _by_level(block, as_favourite * favoured * (psi(favoured + count) - psi(favoured)))
    by_habit = fresh_favourite * before.habit / (before.habit + (1 - before.habit) * shares)
    new_shares = drawn_favourites + fresh_other + fresh_favourite - by_habit + _prior(block)
    new_shares /= new_shares.sum(axis=1, keepdims=True)
    habit = float(np.clip(by_habit.sum() / max(fresh_other.sum() + fresh_favourite.sum(), 1e-12), 0.0, _MOST_HABIT))
    step = Habits(new_shares, habit, before.concentration)
    return replace(step, concentration=_concentrated(block, step, as_other, as_favourite))


def _concentrated(block: _Block, habits: Habits, as_other: Floats, as_favourite: Floats) -> float:
    """The best of some concentrations around the present one."""
    from scipy.special import gammaln

    def likelihood(concentration: float) -> float:
        base = _bases(replace(habits, concentration=concentration))
        plain, favoured = (part[:, block.pair_level] for part in base)
        value = (as_other * (gammaln(plain + block.pair_count) - gammaln(plain))).sum()
        value += (as_favourite * (gammaln(favoured + block.pair_count) - gammaln(favoured))).sum()
        value += (block.total_rows * (gammaln(concentration) - gammaln(concentration + block.totals))).sum()
        return float(value)

    tried = [
        min(max(step * habits.concentration, _LEAST_CONCENTRATED), _MOST_CONCENTRATED)
        for step in _STEPS_OF_CONCENTRATION
    ]
    return max(tried, key=likelihood)


def _simplified(mixture: Mixture) -> Mixture:
    """Blocks in which customers hardly differ within their segment become plain shares: the same, but much cheaper."""
    plain = [
        replace(block, habit=0.0, concentration=np.inf)
        if block.habit < _LEAST_HABIT and block.concentration > _HARDLY_VARIED
        else block
        for block in mixture.blocks
    ]
    return replace(mixture, blocks=tuple(plain))


# ---- starts


def _embedded(rows: _Rows) -> Floats:
    """Rows as points for the starts only: numbers, unknown as 0, and square roots of shares, of about equal say."""
    parts = [np.nan_to_num(rows.numbers, nan=0.0)]
    for block in rows.blocks:
        counts = np.zeros((len(rows), block.n_levels))
        counts[block.rows] = block.dense
        prior = _prior(block) / _PSEUDO
        shares = np.sqrt((counts + prior) / (counts.sum(axis=1, keepdims=True) + 1.0))
        parts.append((shares - shares.mean(axis=0)) / max(float(shares.std(axis=0).max()), 1e-9))
    return np.column_stack(parts)


def _spread_out(points: Floats, k: int, rng: np.random.Generator) -> Floats:
    """Centres far from each other (k-means++), moved a few times to the middle of what lies nearest."""
    n = len(points)
    centres = points[[int(rng.integers(n))]]
    nearest = ((points - centres[0]) ** 2).sum(axis=1)
    while len(centres) < k:
        total = nearest.sum()
        chance = nearest / total if total > 0 else None
        centres = np.vstack([centres, points[int(rng.choice(n, p=chance))]])
        nearest = np.minimum(nearest, ((points - centres[-1]) ** 2).sum(axis=1))
    index = np.zeros(n, dtype=np.int64)
    for _ in range(10):
        index = (((centres**2).sum(axis=1)) - 2 * points @ centres.T).argmin(axis=1)
        sizes = np.bincount(index, minlength=k)
        sums = np.zeros_like(centres)
        np.add.at(sums, index, points)
        centres = np.where(sizes[:, None] > 0, sums / np.maximum(sizes, 1)[:, None], centres)
    return _softened(index, k)


def _random(points: Floats, k: int, rng: np.random.Generator) -> Floats:
    """Every row to the nearest of k rows drawn at random."""
    centres = points[rng.choice(len(points), k, replace=len(points) < k)]
    index = (((centres**2).sum(axis=1)) - 2 * points @ centres.T).argmin(axis=1)
    return _softened(index, k)


def _softened(index: Ints, k: int) -> Floats:
    """Not quite certain, so that no start is beyond correction and no component empty."""
    posterior = np.full((k, len(index)), 0.1 / k)
    posterior[index, np.arange(len(index))] += 0.9
    return posterior
