// SPDX-License-Identifier: GPL-2.0-only
// Layouts that the kernel prescribes, whatever a program's BTF says.
#include "types/builtin.h"

#include <bpf/btf.h>

// A struct of two 32-bit numbers.
static void add_pair(struct btf *btf, int word, const char *name, const char *first,
		     const char *second)
{
	btf__add_struct(btf, name, 8);
	btf__add_field(btf, first, word, 0, 0);
	btf__add_field(btf, second, word, 32, 0);
}

static struct ebs_types *make_types(void)
{
	struct btf *btf = btf__new_empty();
	if (!btf)
		return NULL;
	int word = btf__add_int(btf, "u32", 4, 0);
	btf__add_int(btf, "u64", 8, 0);
	add_pair(btf, word, "bpf_devmap_val", "ifindex", "program");
	add_pair(btf, word, "bpf_cpumap_val", "qsize", "program");

	struct ebs_types *types = ebs_types_new(btf); // a copy
	btf__free(btf);
	return types;
}

const struct ebs_layout *ebs_builtin_layout(const char *name)
{
	static struct ebs_types *types;

	if (!types)
		types = make_types();
	uint32_t id = types ? ebs_types_find(types, name) : 0;
	return id ? ebs_types_layout(types, id, NULL) : NULL;
}
