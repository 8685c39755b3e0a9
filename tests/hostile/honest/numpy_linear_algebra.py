# Needs: decompositions, products and solutions by NumPy. Must come out: plays, action 1.
import numpy as np

rng = np.random.default_rng(7)
matrix = rng.normal(size=(60, 60)) + 60 * np.eye(60)


def agent(observation, configuration):
    right = np.arange(60.0)
    solved = np.allclose(matrix @ np.linalg.solve(matrix, right), right)
    left, scale, rotated = np.linalg.svd(matrix)
    whole = np.allclose(left @ np.diag(scale) @ rotated, matrix)
    values, vectors = np.linalg.eigh(matrix + matrix.T)
    pure = np.allclose((matrix + matrix.T) @ vectors, vectors * values)
    waves = np.allclose(np.fft.ifft(np.fft.fft(right)).real, right)
    return np.int64(solved and whole and pure and waves)
