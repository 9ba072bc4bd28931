// SPDX-License-Identifier: GPL-2.0-only
// What the kernel's BTF says of functions and tracepoints: their names and parameters.
#include "types/prototypes.h"

#include <bpf/btf.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "types/btf_blob.h"
#include "types/kernel_identity.h"

struct search {
	struct ebs_btf_blob kernel;
	struct btf *btf; // the same, as libbpf reads it; opened where parameters are wanted
	struct btf_dump *writer;
	struct ebs_buffer text;
	unsigned skip;
	ebs_prototype_visit *visit;
	void *context;
	struct ebs_error *error;
};

static void on_text(void *context, const char *format, va_list arguments)
{
	struct ebs_buffer *out = context;
	char *text = NULL;

	if (vasprintf(&text, format, arguments) < 0)
		return;
	ebs_buffer_append_string(out, text);
	free(text);
}

static int open_kernel(struct search *search, bool parameters)
{
	int result = ebs_btf_blob_open(&search->kernel, EBS_KERNEL_BTF, search->error);
	if (result || !parameters)
		return result;
	search->btf = btf__load_vmlinux_btf();
	if (search->btf)
		search->writer = btf_dump__new(search->btf, on_text, &search->text, NULL);
	if (!search->writer)
		result = ebs_error_errno(search->error, errno, "can't read the kernel's types");
	return result;
}

static void close_kernel(struct search *search)
{
	btf_dump__free(search->writer);
	btf__free(search->btf);
	ebs_buffer_free(&search->text);
	ebs_btf_blob_close(&search->kernel);
}

static void write_declaration(struct search *search, uint32_t type, const char *name)
{
	LIBBPF_OPTS(btf_dump_emit_type_decl_opts, options, .field_name = name);

	btf_dump__emit_type_decl(search->writer, type, &options);
	ebs_buffer_append_char(&search->text, '\n');
}

static const struct btf_type *look_through(const struct search *search, uint32_t id)
{
	const struct btf_type *type = btf__type_by_id(search->btf, id);

	while (type && (btf_is_ptr(type) || btf_is_mod(type) || btf_is_typedef(type)))
		type = btf__type_by_id(search->btf, type->type);
	return type;
}

static void write_parameters(struct search *search, uint32_t id)
{
	const struct btf_type *type = btf__type_by_id(search->btf, id);
	const struct btf_type *prototype = look_through(search, type->type);

	if (!prototype || !btf_is_func_proto(prototype))
		return;
	for (unsigned i = search->skip; i < btf_vlen(prototype); i++) {
		const struct btf_param *parameter = &btf_params(prototype)[i];

		if (!parameter->type) // of `...`
			ebs_buffer_append_string(&search->text, "...\n");
		else
			write_declaration(search, parameter->type,
					  btf__name_by_offset(search->btf, parameter->name_off));
	}
	if (!search->skip && btf_is_func(type)) {
		ebs_buffer_append_string(&search->text, "returns ");
		if (prototype->type)
			write_declaration(search, prototype->type, "");
		else
			ebs_buffer_append_string(&search->text, "void\n");
	}
}

// Members of anonymous members stand for these: the kernel wraps pointers in unions, for their
// alignment.
static void write_members(struct search *search, uint32_t id)
{
	const struct btf_type *type = btf__type_by_id(search->btf, id);

	for (unsigned i = 0; i < btf_vlen(type); i++) {
		const struct btf_member *member = &btf_members(type)[i];
		const struct btf_type *inner = btf__type_by_id(search->btf, member->type);

		if (!member->name_off && inner && btf_is_composite(inner))
			write_members(search, member->type);
		else
			write_declaration(search, member->type,
					  btf__name_by_offset(search->btf, member->name_off));
	}
}

static int search_kind(struct search *search, uint32_t kind, const char *prefix, const char *glob,
		       void (*write)(struct search *search, uint32_t id))
{
	size_t length = strlen(prefix);
	int result = 0;

	for (uint32_t id = 1; id < search->kernel.count && !result; id++) {
		const struct btf_type *type = ebs_btf_type(&search->kernel, id);
		const char *name = ebs_btf_string(&search->kernel, type->name_off);

		if (ebs_btf_kind(type) != kind || strncmp(name, prefix, length) ||
		    fnmatch(glob, name + length, 0))
			continue;
		ebs_buffer_clear(&search->text);
		ebs_buffer_append_string(&search->text, "");
		if (search->writer)
			write(search, id);
		result = search->visit(search->context, name + length,
				       search->writer ? search->text.data : NULL);
	}
	return result;
}

int ebs_prototypes_visit(uint32_t kind, const char *prefix, const char *glob, bool parameters,
			 unsigned skip, ebs_prototype_visit *visit, void *context,
			 struct ebs_error *error)
{
	struct search search = { .skip = skip, .visit = visit, .context = context, .error = error };
	int result = open_kernel(&search, parameters);

	if (!result)
		result = search_kind(&search, kind, prefix, glob, write_parameters);
	close_kernel(&search);
	return result;
}

int ebs_structs_visit(const char *prefix, const char *glob, bool members,
		      ebs_prototype_visit *visit, void *context, struct ebs_error *error)
{
	struct search search = { .visit = visit, .context = context, .error = error };
	int result = open_kernel(&search, members);

	if (!result)
		result = search_kind(&search, BTF_KIND_STRUCT, prefix, glob, write_members);
	close_kernel(&search);
	return result;
}
