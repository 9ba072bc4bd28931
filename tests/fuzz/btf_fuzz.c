// SPDX-License-Identifier: GPL-2.0-only
// Any bytes as the kernel's BTF: whatever is asked of them.
#include "fuzz.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "types/btf_find.h"
#include "types/closure.h"
#include "types/header.h"
#include "types/relocation_subset.h"
#include "types/suggest.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	libbpf_set_print(NULL);
	return 0;
}

// What the host makes of BTF is BTF that it can read, and libbpf too.
static void check_subset(const struct ebs_buffer *part)
{
	struct ebs_btf_blob again;

	MUST(!ebs_btf_blob_view(&again, part->data, part->size, "the subset", NULL));
	ebs_btf_blob_close(&again);
	struct btf *parsed = btf__new(part->data, part->size);
	MUST(parsed);
	btf__free(parsed);
}

// C that uses every third name of this very BTF.
static void write_header(const struct ebs_btf_blob *kernel)
{
	struct ebs_tokens tokens = { 0 };
	struct ebs_buffer header = { 0 };

	for (uint32_t id = 1; id < kernel->count && id < 300; id += 3) {
		const char *name = ebs_btf_string(kernel, ebs_btf_type(kernel, id)->name_off);
		ebs_names_add(&tokens.names, name, strlen(name), 1 + id % 63);
	}
	int result = ebs_header_write_for(kernel, &tokens, &header, NULL);
	if (!result)
		MUST(strstr(header.data, "__VMLINUX_H__"));
	ebs_buffer_clear(&header);
	if (!ebs_header_write_all(kernel, &tokens, &header, NULL))
		MUST(strstr(header.data, "__VMLINUX_H__"));
	ebs_tokens_free(&tokens);
	ebs_buffer_free(&header);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct ebs_buffer *object = seed_object();
	struct ebs_btf_blob kernel;
	struct ebs_error error = { 0 };
	struct ebs_buffer text = { 0 };
	struct ebs_relocation_subset subset;

	if (ebs_btf_blob_view(&kernel, data, size, "the input", &error)) {
		MUST(ebs_error_is_set(&error));
		ebs_error_clear(&error);
		return 0;
	}
	ebs_btf_check(&kernel);
	uint32_t found = ebs_btf_find(&kernel, "task", BTF_KIND_STRUCT);
	MUST(found < kernel.count);
	write_header(&kernel);
	if (ebs_header_write_all(&kernel, NULL, &text, &error))
		MUST(ebs_error_is_set(&error));
	ebs_error_clear(&error);
	ebs_buffer_clear(&text);
	ebs_suggest_types(&kernel, "x.c:1:1: error: unknown type name 'tsk'\n", true, &text);
	ebs_buffer_free(&text);
	if (ebs_relocation_subset_make(&kernel, object->data, object->size, &subset, &error))
		MUST(ebs_error_is_set(&error));
	else if (subset.btf.size)
		check_subset(&subset.btf);
	ebs_error_clear(&error);
	ebs_relocation_subset_free(&subset);
	ebs_btf_blob_close(&kernel);
	return 0;
}
