// SPDX-License-Identifier: GPL-2.0-only
// Any bytes as a compiled object: sections, its BTF, relocations.
#include "fuzz.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "types/object_btf.h"
#include "types/pointer_tables.h"
#include "types/relocation_subset.h"

static struct ebs_btf_blob kernel; // the seed object's BTF stands for it

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const struct ebs_buffer *object = seed_object();
	size_t size;

	libbpf_set_print(NULL);
	const void *btf = ebs_elf_section(object->data, object->size, ".BTF", &size);
	MUST(btf && !ebs_btf_blob_view(&kernel, btf, size, "the seed", NULL));
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = { ".BTF", ".BTF.ext", ".maps", "license", "" };
	struct ebs_relocation_subset subset;
	struct ebs_error error = { 0 };
	struct ebs_pointer_table table;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t length;
		const uint8_t *section = ebs_elf_section(data, size, names[i], &length);

		MUST(!section || (section >= data && length <= size - (section - data)));
	}
	if (ebs_relocation_subset_make(&kernel, data, size, &subset, &error))
		MUST(ebs_error_is_set(&error));
	else if (subset.btf.size) {
		struct btf *parsed = btf__new(subset.btf.data, subset.btf.size);

		MUST(parsed);
		btf__free(parsed);
	}
	ebs_pointer_table_find(data, size, &table);
	ebs_error_clear(&error);
	ebs_relocation_subset_free(&subset);
	return 0;
}
