"""Lower triangles by halves: what NumPy offers for whole matrices, at half the cost."""

import numpy as np

from evaluation.ladder.counts import Floats


def inverse_triangle(lower: Floats) -> Floats:
    """The inverse of a lower triangle by halves, at half the cost of a general inverse."""
    if len(lower) <= 64:
        return np.asarray(np.linalg.inv(lower))
    half = len(lower) // 2
    inverse = np.zeros_like(lower)
    inverse[:half, :half] = inverse_triangle(lower[:half, :half])
    inverse[half:, half:] = inverse_triangle(lower[half:, half:])
    inverse[half:, :half] = -inverse[half:, half:] @ (lower[half:, :half] @ inverse[:half, :half])
    return inverse


def gram(lower: Floats) -> Floats:
    """W'W of a lower triangle W by halves, at half the cost of the plain product."""
    if len(lower) <= 128:
        return np.asarray(lower.T @ lower)
    half = len(lower) // 2
    left, right = lower[half:, :half], lower[half:, half:]
    product = np.empty_like(lower)
    product[:half, :half] = gram(lower[:half, :half]) + left.T @ left
    product[half:, half:] = gram(right)
    product[half:, :half] = right.T @ left
    product[:half, half:] = product[half:, :half].T
    return product
