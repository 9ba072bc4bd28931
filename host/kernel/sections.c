// SPDX-License-Identifier: GPL-2.0-only
// SEC() names that newer versions of libbpf know, for the version that is there.
#include <bpf/libbpf.h>

#include "kernel/link_create.h"
#include "kernel/object_private.h"

static const struct {
	const char *name; // with '+': also followed by "/..."
	int program_type;
	int attach_type;
} sections[] = {
	{ "tc/ingress", BPF_PROG_TYPE_SCHED_CLS, 0 },
	{ "tc/egress", BPF_PROG_TYPE_SCHED_CLS, 0 },
	{ "tcx/ingress", BPF_PROG_TYPE_SCHED_CLS, 0 },
	{ "tcx/egress", BPF_PROG_TYPE_SCHED_CLS, 0 },
	{ "netfilter", EBS_PROG_TYPE_NETFILTER, EBS_ATTACH_TYPE_NETFILTER },
	{ "sk_skb/verdict", BPF_PROG_TYPE_SK_SKB, BPF_SK_SKB_VERDICT },
	{ "kprobe.session+", BPF_PROG_TYPE_KPROBE, EBS_ATTACH_TYPE_KPROBE_SESSION },
	{ "uprobe.multi+", BPF_PROG_TYPE_KPROBE, EBS_ATTACH_TYPE_UPROBE_MULTI },
	{ "uretprobe.multi+", BPF_PROG_TYPE_KPROBE, EBS_ATTACH_TYPE_UPROBE_MULTI },
	{ "uprobe.session+", BPF_PROG_TYPE_KPROBE, EBS_ATTACH_TYPE_UPROBE_SESSION },
};

// A failure is seen when a program of the section is opened.
void ebs_sections_register(void)
{
	static bool registered;

	for (size_t i = 0; !registered && i < sizeof(sections) / sizeof(sections[0]); i++)
		libbpf_register_prog_handler(sections[i].name,
					     (enum bpf_prog_type)sections[i].program_type,
					     (enum bpf_attach_type)sections[i].attach_type, NULL);
	registered = true;
}
