"""How long distances of 15 pairs of 12.5 million float32 take, blocked and whole, against reading the arrays once.

    python benchmarks/compare_speed.py [ELEMENTS]

Ratios within one run are what counts: seconds depend on the machine and on who shares it.
"""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Callable

import numpy as np

from suite.compare import metrics
from suite.records import BatchNorm

MODELS = 6  # 15 pairs
REPEATS = 3

Array = np.ndarray


def whole_l2(a: Array, b: Array) -> float:
    x, y = a.astype(np.float64), b.astype(np.float64)
    return float(np.linalg.norm(x - y) / max(np.linalg.norm(x), np.linalg.norm(y)))


def whole_train(a: Array, b: Array, start: Array) -> float:
    x, y, origin = (one.astype(np.float64) for one in (a, b, start))
    return float(np.linalg.norm(x - y) / max(np.linalg.norm(x - origin), np.linalg.norm(y - origin)))


def whole_max(a: Array, b: Array) -> float:
    return float(np.abs(a.astype(np.float64) - b.astype(np.float64)).max())


def blocked_folded(a: Array, b: Array) -> float:
    norm = BatchNorm(name="bn", mean="m", variance="v", kernel="k")
    channels = {"m": np.zeros(50, np.float32), "v": np.ones(50, np.float32)}
    return metrics.folded({**channels, "k": a.reshape(-1, 50)}, {**channels, "k": b.reshape(-1, 50)}, [norm])


def whole_folded(a: Array, b: Array) -> float:
    scale = np.full(50, 1 / np.sqrt(1.001))
    x, y = (one.reshape(-1, 50).astype(np.float64) * scale for one in (a, b))
    return float(np.linalg.norm(x - y) / max(np.linalg.norm(x), np.linalg.norm(y)))


def seconds(work: Callable[[], object]) -> float:
    """The fastest of REPEATS: others on the machine only ever add."""
    took = []
    for _ in range(REPEATS):
        begun = time.perf_counter()
        work()
        took.append(time.perf_counter() - begun)
    return min(took)


def main(elements: int) -> None:
    random = np.random.default_rng(0)
    start = random.standard_normal(elements, np.float32)
    models = [start + random.standard_normal(elements, np.float32) for _ in range(MODELS)]
    pairs = list(itertools.combinations(models, 2))
    rows: list[tuple[str, Callable[[Array, Array], object], Callable[[Array, Array], object]]] = [
        ("train", lambda a, b: metrics.train({"": a}, {"": b}, {"": start}), lambda a, b: whole_train(a, b, start)),
        ("values", metrics.values, whole_l2),
        ("max_abs", metrics.max_abs, whole_max),
        ("folded", blocked_folded, whole_folded),
        ("bits", lambda a, _: metrics.bits(a, a), lambda a, _: a.tobytes() == a.tobytes()),
    ]
    read = seconds(lambda: [one.sum() for pair in pairs for one in pair])
    print(f"{len(pairs)} pairs of {elements:,} float32; reading both sides of each pair once: {read:.3f} s")
    print(f"{'metric':8} {'blocked':>9} {'/ reading':>9} {'whole / blocked':>16}")
    for name, blocked, whole in rows:
        fast = seconds(lambda blocked=blocked: [blocked(a, b) for a, b in pairs])  # type: ignore[misc]
        slow = seconds(lambda whole=whole: [whole(a, b) for a, b in pairs])  # type: ignore[misc]
        print(f"{name:8} {fast:7.3f} s {fast / read:9.1f} {slow / fast:16.1f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 12_500_000)
