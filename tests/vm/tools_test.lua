-- SPDX-License-Identifier: GPL-2.0-only
-- The tools that ship, from start to end, on a small workload.
local tap = require("tap")

tap.test("execsnoop.lua", function()
    -- It ends at the first row that reaches a closed pipe.
    local output <close> = io.popen([[ebscript execsnoop.lua 2>&1 | { read title && echo "$title"
        /bin/true one "two words" >&2; read row && echo "$row"; }]])
    tap.match(output:read("l"), "^PCOMM +PID +PPID +RET ARGS$")
    tap.match(output:read("l"), "^true +%d+ +%d+ +0 /bin/true one two words$")
end)

tap.test("execsnoop.lua -x", function()
    local output <close> = io.popen([[ebscript execsnoop.lua -x 2>&1 | {
        read title && echo "$title"
        env -i /nonexistent one >/dev/null 2>&1
        read row && echo "$row"
        read row && echo "$row"; }]])
    local title = output:read("l")
    if title:find("^ebscript:") then
        tap.match(title, "^ebscript: execsnoop.lua: .* as bpf_loop%(%) wants it")
        tap.needs_linux(5, 17, "has no helper bpf_loop")
    end
    tap.match(title, "^PCOMM +PID +PPID +RET ARGS$")
    tap.match(output:read("l"), "^env +%d+ +%d+ +0 env %-i /nonexistent one$")
    tap.match(output:read("l") or "", "^env +%d+ +%d+ +%-2 /nonexistent one$")
end)

tap.test("pktcount.lua", function()
    local output <close> = io.popen([[
        ip link add left type veth peer name right
        ip link set left addrgenmode none
        ip link set right addrgenmode none
        ip address add 10.9.8.1/24 dev left
        ip link set left up
        ip link set right up
        ip neighbour add 10.9.8.7 lladdr 02:00:00:00:00:07 dev left
        ebscript pktcount.lua -i right --interval 4 --count 1 2>/tmp/notes >/tmp/table &
        until grep -q attached /tmp/notes || ! kill -0 $!; do sleep 0.1; done
        for i in 1 2 3; do bash -c 'echo packet >/dev/udp/10.9.8.7/9'; done
        wait $!
        cat /tmp/notes /tmp/table
    ]])
    tap.match(output:read("l"), "^pktcount: attached to right %(index %d+%), native mode")
    tap.match(output:read("l"), "^%d%d:%d%d:%d%d  flows 3, packets 3$")
    for _ = 1, 3 do
        tap.match(output:read("l"), "^10%.9%.8%.1:%d+ => :9\t| 1$")
    end
    tap.equal(output:read("l"), nil)
end)

tap.done()
