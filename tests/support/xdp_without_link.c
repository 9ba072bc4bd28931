// SPDX-License-Identifier: GPL-2.0-only
// Attaches an XDP program to an interface as ip(8) does, without a link: it stays.
//
//	xdp_without_link INTERFACE
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
	// return XDP_PASS
	static const struct bpf_insn pass[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = XDP_PASS },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	unsigned index = argc == 2 ? if_nametoindex(argv[1]) : 0;
	int program = bpf_prog_load(BPF_PROG_TYPE_XDP, "older", "GPL", pass, 2, NULL);
	int result = index && program >= 0
			     ? bpf_xdp_attach((int)index, program, XDP_FLAGS_DRV_MODE, NULL)
			     : -1;

	if (result)
		fprintf(stderr, "can't attach: %s\n", strerror(result < 0 ? -result : result));
	return result ? 1 : 0;
}
