-- SPDX-License-Identifier: GPL-2.0-only
-- The job of `./dev bench start`, as a script.
local bpf = require("bpf")

local object <close> = assert(bpf.load({ file = "start.bpf.c" }))
object:on_event("events", function(ktime, pid, ppid, uid, comm, path)
    print(ktime, pid, ppid, uid, comm, path)
end)
assert(object:attach())
assert(bpf.run())
