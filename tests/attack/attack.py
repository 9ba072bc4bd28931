# SPDX-License-Identifier: GPL-2.0-only
"""What the tests of this folder share: how much they draw.

A usual run draws a little, with seeds that are the same each time. `./dev attack` draws for minutes, with new ones.
"""
import os
import random
import time

MINUTES = float(os.environ.get("EBS_ATTACK_MINUTES", "0"))
LONG = MINUTES > 0
SEED = int(os.environ.get("EBS_ATTACK_SEED", random.SystemRandom().randrange(1 << 30) if LONG else 1))


def seeds(few):
    """So many seeds, or those of the minutes that were asked for; each is told, so that it can be drawn again."""
    stop = time.monotonic() + 60 * MINUTES
    count = 0
    while count < few or time.monotonic() < stop:
        yield SEED + count
        count += 1
    if LONG:
        print(f"# drawn with {count} seeds from {SEED} on", flush=True)
