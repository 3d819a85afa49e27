from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor

from infra.chassis.compression import compress, decompress


def test_threads_do_not_disturb_each_other() -> None:
    """With one context for all this fails nearly every time: rows of other threads, or none at all."""

    def there_and_back(seed: int) -> bool:
        data = random.Random(seed).randbytes(2_000) * 200
        return all(decompress(compress(data, level)) == data for level in (1, -5) for _ in range(20))

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(there_and_back, range(64)))
