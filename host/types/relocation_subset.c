// SPDX-License-Identifier: GPL-2.0-only
// The part of the kernel's BTF that an object's CO-RE relocations are resolved against.
#include "types/relocation_subset.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>

#include "types/closure.h"
#include "types/names.h"
#include "types/object_btf.h"

// The flags of a name: a bit for each kind of type that is looked for under it, and, above these,
// for each that was found.
enum { FOUND = 16 };

struct wanted {
	const struct ebs_btf_blob *object;
	struct ebs_names names; // without ___flavor
	bool any;
	bool impossible;
};

// A small number for a kind that has names; libbpf takes both widths of enums for the same. 0 for
// kinds that relocations aren't about.
static uint32_t kind_bit(const struct btf_type *type)
{
	switch (ebs_btf_kind(type)) {
	case BTF_KIND_STRUCT:
		return 1;
	case BTF_KIND_UNION:
		return 2;
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return 4;
	case BTF_KIND_TYPEDEF:
		return 8;
	case BTF_KIND_INT:
		return 16;
	case BTF_KIND_FLOAT:
		return 32;
	case BTF_KIND_FWD:
		return 64;
	default:
		return 0;
	}
}

static int on_relocation(void *context, uint32_t section, const void *record)
{
	const struct ebs_relocation *relocation = record;
	struct wanted *wanted = context;

	wanted->any = true;
	switch (relocation->kind) {
	case BPF_CORE_TYPE_ID_LOCAL:
		return 0;
	case BPF_CORE_TYPE_ID_TARGET: // the number that the type has in the kernel
		wanted->impossible = true;
		return 0;
	}
	if (relocation->kind > BPF_CORE_TYPE_MATCHES || relocation->type == 0 ||
	    relocation->type >= wanted->object->count) {
		wanted->impossible = true;
		return 0;
	}
	const struct btf_type *type = ebs_btf_type(wanted->object, relocation->type);
	const char *name = ebs_btf_string(wanted->object, type->name_off);
	if (!*name || !kind_bit(type))
		wanted->impossible = true;
	else
		ebs_names_add(&wanted->names, name, ebs_btf_essential_length(name, strlen(name)),
			      kind_bit(type));
	return 0;
}

// Marks the name as found when a relocation looks for such a type.
static bool is_wanted(struct wanted *wanted, const char *text, uint32_t bit)
{
	struct ebs_name *name = ebs_names_find(&wanted->names, text);

	// The kernel's own names have flavors in libbpf's eyes where they contain "___".
	if (!name && strstr(text, "___"))
		name = ebs_names_find_part(&wanted->names, text,
					   ebs_btf_essential_length(text, strlen(text)));
	if (!name || !(name->flags & bit))
		return false;
	name->flags |= bit << FOUND;
	return true;
}

static void list_missing(const struct ebs_names *names, struct ebs_buffer *missing)
{
	for (size_t i = 0; i < names->capacity; i++) {
		const struct ebs_name *name = &names->slots[i];

		if ((name->flags & ((1u << FOUND) - 1)) == name->flags >> FOUND)
			continue;
		ebs_buffer_append(missing, name->text, name->length);
		ebs_buffer_append(missing, "", 1);
	}
}

static int choose(struct ebs_closure *closure, struct wanted *wanted)
{
	const struct ebs_btf_blob *kernel = closure->blob;

	for (uint32_t id = 1; id < kernel->count && !closure->result; id++) {
		const struct btf_type *type = ebs_btf_type(kernel, id);
		uint32_t bit = kind_bit(type);
		if (!bit || !type->name_off)
			continue;

		const char *name = ebs_btf_string(kernel, type->name_off);
		// libbpf sees from this type how large pointers are.
		bool is_long = bit == 16 && strcmp(name, "long unsigned int") == 0;
		if (is_wanted(wanted, name, bit) || is_long)
			ebs_closure_add(closure, id);
	}
	return ebs_closure_complete(closure);
}

static int write_subset(const struct ebs_btf_blob *kernel, struct wanted *wanted,
			struct ebs_relocation_subset *subset)
{
	struct ebs_closure closure;
	int result = ebs_closure_begin(&closure, kernel, NULL);

	if (!result)
		result = choose(&closure, wanted);
	if (!result)
		result = ebs_closure_write(&closure, &subset->btf);
	ebs_closure_end(&closure);
	list_missing(&wanted->names, &subset->missing);
	if (subset->missing.failed)
		result = -ENOMEM;
	subset->kind = subset->missing.size ? EBS_SUBSET_OF_VMLINUX : EBS_SUBSET_WHOLE;
	return result;
}

void ebs_relocation_subset_free(struct ebs_relocation_subset *subset)
{
	ebs_buffer_free(&subset->btf);
	ebs_buffer_free(&subset->missing);
}

int ebs_relocation_subset_make(const struct ebs_btf_blob *kernel, const void *elf, size_t size,
			       struct ebs_relocation_subset *subset, struct ebs_error *error)
{
	size_t btf_size, ext_size = 0;
	const void *btf = ebs_elf_section(elf, size, ".BTF", &btf_size);
	const void *ext = ebs_elf_section(elf, size, ".BTF.ext", &ext_size);

	*subset = (struct ebs_relocation_subset){ .kind = EBS_SUBSET_UNNEEDED };
	if (size < 4 || memcmp(elf, "\177ELF", 4))
		return ebs_error_set(error, "EINVAL", "the object is no ELF file");
	if (!btf || !ext) // C that defines nothing has no BTF
		return 0;
	struct ebs_btf_blob object;
	int result = ebs_btf_blob_view(&object, btf, btf_size, "the object", error);
	if (result)
		return result;

	struct wanted wanted = { .object = &object };
	result = ebs_ext_visit(ext, ext_size, EBS_EXT_RELOCATIONS, on_relocation, &wanted);
	if (!result && wanted.names.failed)
		result = -ENOMEM;
	if (!result && wanted.impossible)
		subset->kind = EBS_SUBSET_IMPOSSIBLE;
	else if (!result && wanted.any)
		result = write_subset(kernel, &wanted, subset);
	if (result)
		ebs_error_errno(error, result, "can't choose the kernel types of an object");
	ebs_names_free(&wanted.names);
	ebs_btf_blob_close(&object);
	return result;
}
