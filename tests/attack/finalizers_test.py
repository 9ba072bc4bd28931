# SPDX-License-Identifier: GPL-2.0-only
"""Finalizers in any order: finalizers.lua, by several seeds."""
from pathlib import Path

import attack
import tap

HERE = Path(__file__).resolve().parent
META = HERE.parents[1] / "docs/meta/bpf.lua"


@tap.case("methods called from finalizers, and after the class's own, say that it is closed")
def orders():
    tap.needs_kernel()
    for seed in attack.seeds(4):
        try:
            out, err = tap.ebscript("-m", "sh", "-c", "mount -t bpf none /sys/fs/bpf && exec \"$@\"", "sh", tap.EBSCRIPT,
                                    HERE / "finalizers.lua", seed, META, command="unshare")
            tap.ok("done" in out, "the last of many calls")
            tap.equal([line for line in err if "nothing" not in line], [], "standard error")
        except AssertionError as problem:
            raise AssertionError(f"seed {seed}: {problem}") from None


tap.run()
