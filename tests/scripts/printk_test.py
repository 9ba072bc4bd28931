# SPDX-License-Identifier: GPL-2.0-only
"""--printk: what programs print with bpf_printk(), on standard error."""
import re

import tap

PRINTER = """
local bpf = require("bpf")
local object <close> = assert(bpf.load({ source = [[
#include "ebscript.bpf.h"

SEC("raw_tp/sys_enter")
int print(struct bpf_raw_tracepoint_args *ctx)
{
	char name[] = "a\\\\033b\\\\nc";

	bpf_printk("MARK number %d", (int)ctx->args[0]);
	if (ctx->args[0] == 1)
		bpf_printk("MARK name %s\\\\n", name);
	return 0;
}
]] }))
local count, waits = tonumber(arg[1]), arg[2] == "waits"
local function print_all()
    for i = 1, count do
        object.programs.print:test_run({ context = { i } })
    end
    bpf.stop()
end
if waits then
    bpf.every(0.01, print_all)
    bpf.run()
else
    print_all()
end
print("done")
"""


def printed(count, how, *options):
    """What the script's programs print; others' on this machine are left out by their mark."""
    mark = f"{how}{count}"
    # A long bracket keeps backslashes as they are.
    text = PRINTER.replace("MARK", mark).replace("\\\\", "\\")
    output, errors = tap.ebscript(*options, "-e", text, count, how)
    tap.equal(output, ["done"])
    lines = [re.fullmatch(rf"printk\[(\d+)\]: {mark} (.*)", line) for line in errors]
    lost = [int(found[1]) for line in errors
            if (found := re.search(r"(\d+) texts of bpf_printk\(\) were lost", line))]
    return [line[2] for line in lines if line], sum(lost)


@tap.case("texts of any number, in the loop and outside of it")
def numbers():
    tap.needs_kernel()
    for how in ("waits", "ends"):
        for count in (0, 1, 2, 3, 300):
            want = [f"number {i}" for i in range(1, count + 1)]
            if count:
                want.insert(1, "name a\\x1Bb\\nc")
            tap.equal(printed(count, how, "--printk"), (want, 0), f"{how}, {count}")


@tap.case("nothing is printed without the option")
def without():
    tap.needs_kernel()
    tap.equal(printed(3, "ends"), ([], 0))


@tap.case("what is lost is counted")
def losses():
    tap.needs_kernel()
    lines, lost = printed(20000, "ends", "--printk")
    tap.ok(lost > 0, "nothing was lost")
    tap.ok(len(lines) + lost >= 20001, f"{len(lines)} printed, {lost} lost")


@tap.case("a failure to attach whose results are dropped is told")
def unattached():
    tap.needs_kernel()
    text = """
    local bpf = require("bpf")
    local object <close> = assert(bpf.load({ source = [[
    #include "ebscript.bpf.h"
    SEC("tracepoint/no/such") int lacking(void *ctx) { return 0; }
    SEC("raw_tp/sched_process_exec") int there(void *ctx) { return 0; }
    ]] }))
    """
    notice = "ebscript: (command line): nothing is attached: this kernel has no tracepoint no:such"
    dropped = "object.programs.lacking:attach() "
    other = "assert(object.programs.there:attach()) "
    run = "bpf.every(0.01, bpf.stop) bpf.run() "
    for script, told in (
        (dropped, [notice]),
        (dropped + run, [notice]),
        (dropped + run + run, [notice]),
        (other + dropped + run, []),
        (dropped + other + run, []),
        (run, []),
    ):
        _, errors = tap.ebscript("-e", text + script)
        tap.equal(errors, told, script)
    _, errors = tap.ebscript("-e", text + "assert(object.programs.lacking:attach())", status=1)
    tap.equal(len(errors), 1)


tap.run()
