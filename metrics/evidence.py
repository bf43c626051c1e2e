"""Evidence from several sources made one, and turned into p-values and back.

An e-value has an expectation of at most 1 under its null hypothesis. So has an average of e-values,
however they depend on each other: over strata, over seeds, over tests of the same data. The
smallest of several p-values has no such right, and neither has the largest of several e-values.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError
from . import _inputs as inputs
from ._arrays import Floats, floats

NEAR_ONE = 1e-3
"""Minus the log of a p-value below which the calibrator is summed as a series."""


def log_average(log_e: ArrayLike, *, weights: ArrayLike | None = None) -> Floats:
    """Return the logarithm of the average of several e-values.

    Null hypothesis: the intersection of the sources' own (of seeds: the one they share).
    Guarantee: that of the sources, under any dependence between them. An average of e-processes of
    one filtration, read at the same moments, is an e-process; of running maxima it is not.

    Parameters
    ----------
    log_e : (sources, ...) array_like of float
        Natural logarithms, one source a row; ``-inf`` is no evidence at all. An e-process of n
        steps is a row of n.
    weights : (sources,) array_like of float, optional
        Fixed before any answer was seen, for example the strata's shares of the contexts; they are
        divided by their sum. Default: equal.

    Returns
    -------
    (...) float array

    Raises
    ------
    InputError
        If there is no source, an e-value is NaN, or the weights do not fit, are negative or all 0.

    References
    ----------
    Vovk & Wang (2021), "E-values: calibration, combination and applications", Annals of Statistics
    49(3), proposition 3.1.

    Examples
    --------
    >>> import numpy as np
    >>> round(float(np.exp(log_average(np.log([60.0, 2.0, 1.0])))), 6)
    21.0
    >>> np.exp(log_average(np.log([[1.0, 8.0], [1.0, 2.0]]), weights=[3, 1])).round(6).tolist()
    [1.0, 6.5]
    """
    logs = np.asarray(log_e, dtype=np.float64)
    if logs.ndim == 0 or not len(logs):
        raise InputError("metrics.shape", name="log_e", need="(sources, …)", got=str(logs.shape))
    if np.isnan(logs).any():
        raise inputs.refusal("log_average", "log_e", "metrics.need_numbers", "nan")
    shares = np.ones(len(logs)) if weights is None else floats("weights", weights)
    if len(shares) != len(logs):
        need = f"({len(logs)},)"
        raise InputError("metrics.shape", name="weights", need=need, got=str(shares.shape))
    if not ((shares >= 0).all() and shares.sum() > 0):
        raise inputs.refusal("log_average", "weights", "metrics.need_weights", shares.tolist())
    counted = shares > 0
    rows, kept = logs[counted], shares[counted] / shares.sum()
    found: Floats = np.logaddexp.reduce(
        rows + np.log(kept).reshape(-1, *(1 for _ in rows.shape[1:])), axis=0
    )
    return found


def e_to_p(log_e: ArrayLike) -> Floats:
    """Return p-values of evidence: 1 over it, at most 1 and never 0.

    Guarantee: that of the evidence (Markov's inequality). Of the running maximum of an e-process it
    is valid at any stopping time (Ville's inequality); of an average first average, then turn.

    Parameters
    ----------
    log_e : array_like of float
        Natural logarithms of e-values, or of the largest so far of an e-process.

    Returns
    -------
    float array
        Of the shape of `log_e`.

    Raises
    ------
    InputError
        If an e-value is NaN.

    References
    ----------
    Vovk & Wang (2021), Annals of Statistics 49(3), proposition 2.2.

    Examples
    --------
    >>> import numpy as np
    >>> e_to_p(np.log([40.0, 0.5])).tolist()
    [0.025, 1.0]
    """
    logs = np.asarray(log_e, dtype=np.float64)
    if np.isnan(logs).any():
        raise inputs.refusal("e_to_p", "log_e", "metrics.need_numbers", "nan")
    p: Floats = np.exp(-np.maximum(logs, 0.0))
    return np.maximum(p, np.finfo(np.float64).tiny)


def p_to_log_e(p_values: ArrayLike, *, kappa: float | None = None) -> Floats:
    """Return the logarithms of e-values made of p-values, so that those can be averaged too.

    Guarantee: that of the p-values. What is made has an expectation of 1 where p is uniform. That
    has its price: an e-value of 20 takes a p-value of about one in a thousand.

    Parameters
    ----------
    p_values : (m,) array_like of float
        Chosen before they are seen: the least of several is no p-value.
    kappa : float, optional
        In (0, 1): e = kappa · p^(kappa − 1); large for the smallest p where kappa is small.
        Default: the average over all kappa, ``(1 − p + p log p) / (p log² p)``.

    Returns
    -------
    (m,) float array

    Raises
    ------
    InputError
        If a p-value leaves [0, 1] or `kappa` leaves (0, 1).

    References
    ----------
    Vovk & Wang (2021), Annals of Statistics 49(3), equations 1 and 2.

    Examples
    --------
    >>> import numpy as np
    >>> np.exp(p_to_log_e([0.01, 0.001, 1.0])).round(2).tolist()
    [4.45, 20.79, 0.5]
    >>> np.exp(p_to_log_e([0.01], kappa=0.5)).round(3).tolist()
    [5.0]
    """
    name = "p_to_log_e"
    p = inputs.probabilities(name, "p_values", p_values)
    with np.errstate(divide="ignore"):
        depth = -np.log(p)
    if kappa is not None:
        power = inputs.fraction(name, "kappa", kappa)
        bet: Floats = np.log(power) + (1 - power) * depth
        return bet
    near = depth < NEAR_ONE
    far = np.where(near, 1.0, depth)
    # (e^d − 1 − d) / d², which loses its digits where d is small
    with np.errstate(invalid="ignore"):
        whole = far + np.log1p(-(1 + far) * np.exp(-far)) - 2 * np.log(far)
    whole = np.where(np.isinf(far), np.inf, whole)
    series = np.log(0.5 + depth / 6 + depth**2 / 24, where=near, out=np.zeros(len(p)))
    found: Floats = np.where(near, series, whole)
    return found
