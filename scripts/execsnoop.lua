#!/usr/bin/env ebscript
-- SPDX-License-Identifier: GPL-2.0-only
-- execsnoop: prints every program that is executed, with its arguments.
--   PCOMM            PID     PPID    RET ARGS
--   ls               41507   39911     0 ls --color=auto
--   bash             41508   39911    -2 /usr/local/bin/sl -l
-- RET is 0 or -errno. A failed exec has the path that was asked for as its first argument. "..." at
-- the end stands for what is beyond --max-args or 8 KiB, "?" for what could not be read.
local bpf = require("bpf")
local id = bpf.integer(0, 2 ^ 32 - 2)
local parser = require("argparse")("execsnoop.lua", "Prints every program that is executed.")
parser:flag("-T --time", "Print the time of day.")
parser:flag("-t --timestamp", "Print the seconds since the start.")
parser:flag("-U --print-uid", "Print the user's number.")
parser:flag("-x --fails", "Print failed execs too.")
parser:flag("-q --quote", 'Print "arguments" in quotes, with \\" inside (not in JSON).')
parser:flag("--json", "Print each row as a JSON object.")
parser:option("-u --uid", "Only this user."):convert(id)
parser:option("-p --pid", "Only this process."):convert(id)
parser:option("-P --ppid", "Only children of this process."):convert(id)
parser:option("-n --name", "Only commands whose name contains this text.", "")
parser:option("-l --line", "Only where this Lua pattern is found in the arguments.", "")
parser:option("--max-args", "Print at most this many arguments.", "20"):convert(id)
local options = parser:parse()
local object <close> = assert(bpf.load({
    file = "execsnoop.bpf.c",
    defines = { FAILURES = options.fails and 1 or nil },
    constants = { target_uid = options.uid, target_pid = options.pid, target_ppid = options.ppid },
}))
local when = (options.time and "time:8 " or "") .. (options.timestamp and "time(s):8 " or "")
local who = (options.print_uid and "uid:6 " or "") .. "pcomm:16 pid:7 ppid:7 ret:>3 args"
local columns, start = bpf.columns(when .. who, { json = options.json }), bpf.ktime_get_ns()
object:on_event("events", function(event)
    local row, args = event:copy(), bpf.strings(event.args)
    local named = row.comm:find(options.name, 1, true)
    if not (named and table.concat(args, " "):find(options.line)) then return end
    row.pcomm, row.time = row.comm, options.time and os.date("%T")
    row["time(s)"] = tonumber(("%.3f"):format((row.ktime - start) / 1e9))
    row.args = table.move(args, 1, math.min(#args, options.max_args), 1, {})
    for i, text in ipairs(options.quote and not columns.json and row.args or {}) do
        row.args[i] = '"' .. text:gsub('"', '\\"') .. '"'
    end
    row.args[#row.args + 1] = (row.truncated or #args > #row.args) and "..." or nil
    columns:record(row)
end)
if not object:program("exec_succeeded"):attach() then
    assert(object:program("exec_succeeded_raw"):attach())
end
for _, name in ipairs(options.fails and { "execve_failed", "execveat_failed" } or {}) do
    assert(object:program(name):attach())
end
assert(bpf.drop_privileges({ keep_uid = not bpf.has({ capability = "setuid" }) }))
columns:header()
assert(bpf.run())
