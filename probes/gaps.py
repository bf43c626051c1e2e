"""Evidence about the gap between one treated arm and the reference.

The exact contract of the three engines: a context's own effect, the mean of clipped log ratios,
the share of contexts beyond a limit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

import numpy as np

from ..metrics import share as share_engine
from ..metrics.bounded import log_mean_evidence, mean_interval
from ..metrics.dependence import log_dependence
from ..metrics.planning import smallest_detectable
from ..metrics.result import Estimate
from .design import REFERENCE, TWIN, Floats
from .ledger import Ledger, once
from .protocol import Claims, Evidence, Hypothesis
from .scores import FINAL, Score
from .shares import Bools, Direction, Limit, Shares, shares_of

SCALES = (0.5, 1.0, 2.0)
HALF = math.log(2)
GIVEN = 1e4
"""Log e-value of a claim that need not be shown: a cheaper price is within the limit of harm."""


def _peak(path: Floats) -> float:
    """Return the running maximum of a log e-process, which starts at 0."""
    return float(np.max(path, initial=0.0))


def _last(path: Floats) -> float:
    return float(path[-1]) if len(path) else 0.0


@once
def twin_rate(ledger: Ledger, beyond: float) -> tuple[float, int]:
    """Return how often twins differ beyond the limit (two-sided), and of how many pairs."""
    gaps = ledger.gap(TWIN)[ledger.fresh & ledger.asked[:, TWIN]]
    gaps = gaps[~np.isnan(gaps)]
    return (float(np.mean(np.abs(gaps) > beyond)), len(gaps)) if len(gaps) else (0.0, 0)


def noise_of(ledger: Ledger) -> float:
    """Return the standard deviation of one quote's own noise (log scale), from the twins."""
    gaps = ledger.gap(TWIN)[ledger.fresh & ledger.asked[:, TWIN]]
    gaps = gaps[np.isfinite(gaps)]
    return float(np.sqrt(np.mean(gaps**2) / 2)) if len(gaps) else math.nan


@once
def dependence_of(ledger: Ledger, arm: int) -> Floats:
    """Return the path of engine 1 over the rows of `arm`, which no limit enters."""
    return log_dependence(*ledger.triples(arm))


@once
def claims(
    ledger: Ledger,
    arm: int,
    *,
    limit: Limit | None,
    direction: Direction,
    bound: float,
    tied: bool = False,
) -> Claims:
    """Return how strong the evidence is for each claim about one arm at one limit.

    Parameters
    ----------
    tied : bool
        Whether the account is the unit: nothing can be asked again, so the share is of account
        pairs, bounded above by single quotes (factor 1) and never accused by them.
    """
    dependence = dependence_of(ledger, arm)
    peak, last = _peak(dependence), _last(dependence)
    if limit is None:
        return Claims(differs=peak, differs_now=last, estimable=False)
    x = ledger.clipped_mean_terms(arm, bound)
    mean = log_mean_evidence(x, bound=bound, limit=limit.mean, side="above")
    if direction == "any":
        down = log_mean_evidence(-x, bound=bound, limit=limit.mean, side="above")
        mean = np.logaddexp(mean, down) - HALF
    shares = shares_of(ledger, arm, limit=limit, direction=direction)
    beyond = share_engine.log_share_beyond(shares.flagged, shares.confirmed, share=limit.share)
    joint = _aligned(ledger, arm, mean, shares, beyond)
    noise = ledger.exceedance(arm, limit.beyond)
    return Claims(
        differs=peak,
        differs_now=last,
        beyond=_peak(joint),
        mean_beyond=_peak(mean) - HALF,
        share_beyond=_peak(beyond) - HALF,
        inside=inside(ledger, arm, limit=limit, direction=direction, bound=bound, tied=tied),
        hoped=(
            _inside_hoped(ledger, arm, shares, limit=limit, direction=direction, bound=bound),
            max(_hoped(mean), _hoped(beyond)) - HALF,
        ),
        estimable=tied
        or shares.alike
        or share_engine.estimable(noise, limit.share, quiet=False, reproducible=limit.reproducible),
    )


def inside(
    ledger: Ledger,
    arm: int,
    *,
    limit: Limit,
    direction: Direction,
    bound: float,
    tied: bool = False,
    drop_open: bool = False,
) -> tuple[float, float, float]:
    """Return the evidence that one arm lies within the limit: share, mean from above, from below.

    Parameters
    ----------
    drop_open : bool
        Pretend that every open flag will be dropped: whether asking again alone could clear.
    """
    shares = shares_of(ledger, arm, limit=limit, direction=direction)
    hit = shares.hit & ~shares.open if drop_open else shares.hit
    gamma = 1.0 if tied else shares.gamma
    below, above = map(_last, _mean_paths(ledger, arm, limit=limit.mean, bound=bound))
    share = _last(share_engine.log_share_inside(hit, share=limit.share, gamma=gamma))
    return share, below, GIVEN if direction == "harm" else above


def beyond_if_confirmed(ledger: Ledger, arm: int, *, limit: Limit, direction: Direction) -> float:
    """Return the evidence of the share alone, were every flag confirmed that survived a round.

    Whether asking again alone could establish; never evidence of anything.
    """
    shares = shares_of(ledger, arm, limit=limit, direction=direction)
    confirmed = shares.confirmed | shares.surviving
    path = share_engine.log_share_beyond(shares.flagged, confirmed, share=limit.share)
    return _peak(path) - HALF


@once
def _mean_paths(ledger: Ledger, arm: int, *, limit: float, bound: float) -> tuple[Floats, Floats]:
    """Return the evidence that the mean lies below the limit, and above its negative."""
    x = ledger.clipped_mean_terms(arm, bound)
    below = log_mean_evidence(x, bound=bound, limit=limit, side="below")
    above = log_mean_evidence(-x, bound=bound, limit=limit, side="below")
    return below, above


def _inside_hoped(
    ledger: Ledger, arm: int, shares: Shares, *, limit: Limit, direction: Direction, bound: float
) -> float:
    hit = shares.hit & ~shares.open
    share = share_engine.log_share_inside(hit, share=limit.share, gamma=shares.gamma)
    below, above = _mean_paths(ledger, arm, limit=limit.mean, bound=bound)
    paths = (share, below) if direction == "harm" else (share, below, above)
    return min(_hoped(path) for path in paths)


def _hoped(path: Floats) -> float:
    """Return what a log e-process may well come to have grown to: two standard errors more."""
    if len(path) == 0:
        return 0.0
    spread = float(np.std(np.diff(path, prepend=0.0)))
    return float(path[-1]) + 2 * spread * math.sqrt(len(path))


def _aligned(ledger: Ledger, arm: int, mean: Floats, shares: Shares, beyond: Floats) -> Floats:
    """Return the path of ½ e_mean + ½ e_share in block order; each stands still between its rows."""
    rows = np.flatnonzero(ledger.fresh & ledger.asked[:, arm] & ledger.asked[:, REFERENCE])
    if len(rows) == 0:
        return np.zeros(0)
    place = np.searchsorted(shares.block, rows, side="right")
    steps = np.concatenate([[0.0], beyond])[place]
    joint: Floats = np.logaddexp(mean, steps) - HALF
    return joint


def read(
    ledger: Ledger,
    hypothesis: Hypothesis,
    arm: int,
    *,
    limit: Limit | None,
    direction: Direction,
    bound: float,
    level: float | None,
    score: Score = FINAL,
    tied: bool = False,
) -> Evidence:
    """Return the evidence for one hypothesis from all answers so far.

    With `level` None what only a report needs is left out: intervals, the verdicts at other
    limits, the smallest effect that would show, examples.

    Null hypotheses and guarantees
        *differs*: the law of the answers does not depend on the label; exact by random assignment.
        *beyond*, *inside*: the mean of clipped gaps and the share of contexts; finite-sample
        under any noise, provided fresh identities of one context answer independently and alike
        while it is asked again.
    """
    scales = (1.0,) if limit is None or level is None else SCALES
    at = {
        scale: claims(
            ledger,
            arm,
            limit=limit and (limit if scale == 1.0 else limit.times(scale)),
            direction=direction,
            bound=bound,
            tied=tied,
        )
        for scale in scales
    }
    shares = None if limit is None else shares_of(ledger, arm, limit=limit, direction=direction)
    x = ledger.clipped_mean_terms(arm, bound)
    used = x[~np.isnan(x)]
    effect = Estimate(
        value=float(np.mean(used)) if len(used) else None,
        unit=score.unit,
        n=len(used),
        n_excluded=len(x) - len(used),
    )
    short = Evidence(
        hypothesis=hypothesis,
        claims=at,
        effect=effect,
        share=_share(shares, None, tied=tied) if shares else None,
        assumption=_assumption(limit, shares),
        harm=score.harm,
        unit="account" if tied else "block",
        n=len(used),
        n_excluded=len(x) - len(used),
        queries=int(ledger.asks[ledger.asked[:, arm]].sum()),
    )
    if level is None or len(used) == 0:
        return short
    noise = noise_of(ledger)
    return replace(
        short,
        effect=replace(effect, interval=mean_interval(x, bound=bound, level=level)),
        share=_share(shares, level, tied=tied) if shares else None,
        bounds=_bounds(ledger, shares, limit, level, tied=tied) if shares and limit else {},
        base=_base(ledger, arm, score),
        smallest_detectable=smallest_detectable(len(used), noise, bound=bound, level=level)
        if len(used) > 1 and math.isfinite(noise)
        else None,
        examples=_examples(ledger, arm),
    )


def _assumption(limit: Limit | None, shares: Shares | None) -> Literal["holds", "withdrawn"] | None:
    """Return what has become of the assumption that the vendor answers alike whoever asks."""
    if limit is None or shares is None or not limit.deterministic:
        return None
    return "holds" if shares.alike else "withdrawn"


def _base(ledger: Ledger, arm: int, score: Score) -> float:
    """Return what the reference gets on average over the blocks of `arm`: of amounts geometric.

    NaN of what can only be judged beside others: it has no number of its own.
    """
    if score.pairwise:
        return math.nan
    scores = ledger.standard(arm)
    scores = scores[np.isfinite(scores)]
    if len(scores) == 0:
        return math.nan
    mean = float(np.mean(scores))
    return math.exp(score.harm * mean) if score.unit == "log-ratio" else score.harm * mean


def _share(
    shares: Shares, level: float | None, *, side: str = "both", tied: bool = False
) -> Estimate:
    towards = {"both": np.ones(len(shares.block), dtype=bool), "dearer": shares.dearer}
    towards["cheaper"] = ~shares.dearer
    mask = towards[side]
    n = len(shares.block)
    return Estimate(
        value=_confirmed(shares, mask),
        unit="share",
        interval=share_engine.share_interval(
            shares.flagged & mask,
            shares.confirmed & mask,
            shares.hit & mask,
            gamma=1.0 if tied else shares.gamma,
            level=level,
        )
        if n and level is not None
        else None,
        n=n,
    )


def _confirmed(shares: Shares, mask: Bools) -> float | None:
    """Return the share of contexts that are hit, judged by the flags that were asked again.

    None where none of the flags were: a single quote beyond the limit says little.
    """
    flags = shares.flagged & mask
    if len(flags) == 0:
        return None
    if not flags.any():
        return 0.0
    settled = flags & ~shares.open
    if not settled.any():
        return None
    return float(np.mean(flags) * np.sum(shares.confirmed & mask) / np.sum(settled))


def _bounds(
    ledger: Ledger, shares: Shares, limit: Limit, level: float, *, tied: bool
) -> Mapping[str, Estimate]:
    rate, pairs = twin_rate(ledger, limit.beyond)
    single = float(np.mean(shares.flagged)) if len(shares.block) else None
    return {
        "share_dearer": _share(shares, level, side="dearer", tied=tied),
        "share_cheaper": _share(shares, level, side="cheaper", tied=tied),
        "single_quotes": Estimate(value=single, unit="quotes", n=len(shares.block)),
        "twin_beyond": Estimate(value=rate if pairs else None, unit="quotes", n=pairs),
    }


def _examples(ledger: Ledger, arm: int, pairs: int = 2) -> tuple[tuple[int, int], ...]:
    """Return (treated, reference) trials of the blocks that show the mean gap best.

    Best is: a gap in the direction of the mean, and little between reference and twin.
    """
    gap, twin = ledger.gap(arm), ledger.gap(TWIN)
    rows = np.flatnonzero(ledger.fresh & np.isfinite(gap))
    if len(rows) == 0:
        return ()
    sign = math.copysign(1.0, float(np.mean(gap[rows])))
    own = np.where(np.isfinite(twin), np.abs(twin), np.nanmax(np.abs(gap[rows])))[rows]
    best = rows[np.argsort(own - sign * gap[rows], kind="stable")[:pairs]]
    return tuple((int(ledger.trial[b, arm]), int(ledger.trial[b, REFERENCE])) for b in best)


def blocks_needed(found: Claims, n: int, *, accuse_at: float, clear_at: float) -> int | None:
    """Return how many more blocks the nearest decision is predicted to need.

    Each log e-value is taken to go on growing as it has on average. None where nothing grows.
    """
    if n == 0:
        return None

    def remaining(value: float, threshold: float) -> float:
        if value >= threshold:
            return 0.0
        return (threshold - value) * n / value if value > 0 else math.inf

    inside = max(remaining(value, clear_at) for value in found.inside)
    outside = max(remaining(found.beyond, accuse_at), remaining(found.differs, accuse_at))
    nearest = min(inside, outside)
    return math.ceil(nearest) if math.isfinite(nearest) else None
