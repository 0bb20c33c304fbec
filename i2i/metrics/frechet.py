"""The Frechet distance between two sets of features, computed in two exact ways.

The squared 2-Wasserstein distance between two Gaussians (Dowson and Landau, "The Frechet distance
between multivariate normal distributions", Journal of Multivariate Analysis 12, 1982):

    d^2 = |mu_1 - mu_2|^2 + Tr S_1 + Tr S_2 - 2 Tr sqrt(S_1 S_2)

With the pool3 features of Inception it is the FID of Heusel et al., "GANs Trained by a Two
Time-Scale Update Rule Converge to a Local Nash Equilibrium", 2017,
https://arxiv.org/abs/1706.08500, equation 6. As there, what is returned is d^2, without the root.

Only the last trace is hard. A matrix square root of S_1 S_2, which is not symmetric, is slow, and
unstable where the product is singular; here it is never formed.
"""

import contextlib

import numpy as np

from i2i.metrics._arrays import Array, Features, checked, require_same_width, require_whole


class Moments:
    """Count, mean and scatter of features, accumulated in float64 batch by batch.

    The result depends neither on the batches nor on the order of the features, up to rounding.

    Attributes:
        n: number of feature vectors seen.
        mean: [d], their mean; zeros while `n` is 0.
        scatter: [d, d], sum of (x - mean)(x - mean)^T.
    """

    def __init__(self, dimensions: int) -> None:
        require_whole("dimensions", dimensions, 1)
        self.n = 0
        self.mean: Array = np.zeros(dimensions)
        self.scatter: Array = np.zeros((dimensions, dimensions))

    @classmethod
    def of(cls, features: Features) -> "Moments":
        """Moments of one array of features [n, d]."""
        array = checked(features)
        moments = cls(array.shape[1])
        moments.update(array)
        return moments

    @property
    def dimensions(self) -> int:
        """Length d of a feature vector."""
        return len(self.mean)

    @property
    def covariance(self) -> Array:
        """Unbiased covariance [d, d] (divided by n - 1).

        Raises:
            ValueError: fewer than two features were seen.
        """
        _require_two(self.n)
        return self.scatter / (self.n - 1)

    def update(self, features: Features) -> None:
        """Add a batch of features [B, d]; an empty batch changes nothing.

        Raises:
            ValueError: not two-dimensional, not d wide, or not finite.
        """
        array = checked(features)
        require_same_width(self.dimensions, array.shape[1])
        if len(array) == 0:
            return
        mean = array.mean(axis=0)
        centered = array - mean
        self._add(len(array), mean, centered.T @ centered)

    def merge(self, other: "Moments") -> None:
        """Add everything that `other` has seen, as if both had been one; `other` stays as it is.

        Raises:
            ValueError: no moments, or the dimensions differ.
        """
        _require_moments(other)
        require_same_width(self.dimensions, other.dimensions)
        if other.n:
            self._add(other.n, other.mean, other.scatter)

    def _add(self, n: int, mean: Array, scatter: Array) -> None:
        # Chan, Golub and LeVeque, "Updating Formulae and a Pairwise Algorithm for Computing Sample
        # Variances", 1979: only differences of means are squared, so a large common mean costs no
        # digits.
        total = self.n + n
        delta = mean - self.mean
        self.scatter = self.scatter + scatter + np.outer(delta, delta * (self.n * n / total))
        self.mean = self.mean + delta * (n / total)
        self.n = total


def frechet_distance(a: Moments, b: Moments) -> float:
    """Squared Frechet distance between the Gaussians with the moments `a` and `b`.

    Tr sqrt(S_1 S_2) is the sum of the roots of the eigenvalues of S_1 S_2, and these are the
    eigenvalues of the symmetric H^T S_2 H for any H with H H^T = S_1. Costs O(d^3), whatever n is.

    Returns:
        The distance, >= 0, in squared feature units.

    Raises:
        ValueError: no moments, the dimensions differ, or either has seen fewer than two features.
    """
    _require_moments(a)
    _require_moments(b)
    require_same_width(a.dimensions, b.dimensions)
    few, many = (a, b) if a.n <= b.n else (b, a)
    covariance_few, covariance_many = few.covariance, many.covariance
    half = _half(covariance_few, few.n)  # [d, rank]
    eigenvalues: Array = np.linalg.eigvalsh(half.T @ covariance_many @ half)
    trace_root = float(np.sqrt(_largest(eigenvalues, many.n - 1)).sum())
    return _assemble(a.mean - b.mean, np.trace(covariance_few), np.trace(covariance_many), trace_root)


def frechet_distance_low_rank(x: Features, y: Features) -> float:
    """Squared Frechet distance between the Gaussians fitted to features `x` [n, d] and `y` [m, d].

    With X and Y the centred features divided by sqrt(n - 1) and sqrt(m - 1), S_1 = X^T X and
    S_2 = Y^T Y, and Tr sqrt(S_1 S_2) is the nuclear norm of X Y^T [n, m]. No covariance is formed
    and no root of an eigenvalue is taken, so nothing is lost where the covariances are singular.
    Costs O(n m (d + min(n, m))): the cheaper way when n and m are below d.

    Returns:
        The distance, >= 0, in squared feature units.

    Raises:
        ValueError: not two-dimensional, unlike widths, fewer than two rows, or not finite.
    """
    mean_x, scaled_x = _centered(checked(x))
    mean_y, scaled_y = _centered(checked(y))
    require_same_width(len(mean_x), len(mean_y))
    trace = float(np.linalg.svd(scaled_x @ scaled_y.T, compute_uv=False).sum())
    return _assemble(mean_x - mean_y, np.square(scaled_x).sum(), np.square(scaled_y).sum(), trace)


def frechet_distance_between(x: Features, y: Features) -> float:
    """Squared Frechet distance between features `x` [n, d] and `y` [m, d], the cheaper way.

    Returns:
        The distance, >= 0, in squared feature units.

    Raises:
        ValueError: not two-dimensional, unlike widths, fewer than two rows, or not finite.
    """
    x, y = checked(x), checked(y)
    n, m, d = len(x), len(y), x.shape[1]
    # Leading terms of both costs: singular values of an n x m matrix, eigenvalues of a d x d one.
    if n * m * min(n, m) <= d**3:
        return frechet_distance_low_rank(x, y)
    return frechet_distance(Moments.of(x), Moments.of(y))


def _require_moments(given: object) -> None:
    if not isinstance(given, Moments):
        raise ValueError(f"Moments.of(features) are compared, not {type(given).__name__}")


def _require_two(n: int) -> None:
    if n < 2:
        raise ValueError(f"a Frechet distance needs at least 2 images a side, but one has {n}")


def _centered(array: Array) -> tuple[Array, Array]:
    _require_two(len(array))
    mean = array.mean(axis=0)
    return mean, (array - mean) / np.sqrt(len(array) - 1)


def _half(covariance: Array, n: int) -> Array:
    """A matrix H [d, rank] with H H^T = the covariance [d, d] of n features."""
    if n > len(covariance):
        # Cholesky's triangle takes a seventh of the time, but needs a covariance of full rank.
        with contextlib.suppress(np.linalg.LinAlgError):
            return np.linalg.cholesky(covariance)
    values, vectors = np.linalg.eigh(covariance)
    kept = _largest(values, n - 1)
    half: Array = vectors[:, len(values) - len(kept) :] * np.sqrt(kept)
    return half


def _largest(ascending: Array, rank: int) -> Array:
    """The `rank` largest of ascending eigenvalues, negative rounding noise set to 0.

    A covariance of n features has at most n - 1 eigenvalues above 0. The others come out as noise
    near 1e-16 of the largest, whose roots, near 1e-8, would not be small once hundreds are summed.
    """
    return np.maximum(ascending[max(0, len(ascending) - rank) :], 0.0)


def _assemble(shift: Array, trace_a: float, trace_b: float, trace_root: float) -> float:
    # Rounding can leave a distance of zero slightly below it.
    return max(float(shift @ shift + trace_a + trace_b - 2 * trace_root), 0.0)
