// SPDX-License-Identifier: GPL-2.0-only
// C text of kernel types.
#include "types/header.h"

#include <bpf/btf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "types/closure.h"
#include "types/constants.h"

// What BPF headers and people take for granted, without always naming it.
static const char *const always[] = {
	"__u8",    "__u16",    "__u32",   "__u64",    "__s8",     "__s16",    "__s32",
	"__s64",   "u8",       "u16",     "u32",      "u64",      "s8",       "s16",
	"s32",     "s64",      "uint8_t", "uint16_t", "uint32_t", "uint64_t", "int8_t",
	"int16_t", "int32_t",  "int64_t", "uint",     "ulong",    "ushort",   "u_char",
	"u_short", "u_int",    "u_long",  "bool",     "size_t",   "ssize_t",  "uintptr_t",
	"loff_t",  "off_t",    "pid_t",   "uid_t",    "gid_t",    "dev_t",    "mode_t",
	"umode_t", "time64_t", "ktime_t", "gfp_t",    "sector_t", "atomic_t", "atomic64_t",
	"__be16",  "__be32",   "__be64",  "__le16",   "__le32",   "__le64",   "__sum16",
	"__wsum",
};

// The same behind struct or enum.
static const char *const always_tags[] = { "pt_regs", "bpf_map_type" };

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void on_text(void *context, const char *format, va_list arguments)
{
	struct ebs_buffer *out = context;
	char small[256];
	va_list again;

	va_copy(again, arguments);
	int size = vsnprintf(small, sizeof(small), format, arguments);
	if (size >= 0 && (size_t)size < sizeof(small)) {
		ebs_buffer_append(out, small, size);
	} else {
		char *text = NULL;

		size = size < 0 ? size : vasprintf(&text, format, again);
		if (size < 0)
			out->failed = true;
		else
			ebs_buffer_append(out, text, size);
		free(size < 0 ? NULL : text);
	}
	va_end(again);
}

// The functions among the types, as the C would declare them.
static int dump_functions(const struct btf *btf, struct btf_dump *writer, struct ebs_buffer *out)
{
	int result = 0;

	ebs_buffer_append_string(out, "#ifndef BPF_NO_KFUNC_PROTOTYPES\n");
	for (uint32_t id = 1; !result && id < btf__type_cnt(btf); id++) {
		const struct btf_type *type = btf__type_by_id(btf, id);
		LIBBPF_OPTS(btf_dump_emit_type_decl_opts, options,
			    .field_name = btf__name_by_offset(btf, type->name_off));

		if (!btf_is_func(type))
			continue;
		ebs_buffer_append_string(out, "extern ");
		result = btf_dump__emit_type_decl(writer, type->type, &options);
		ebs_buffer_append_string(out, " __attribute__((weak, section(\".ksyms\")));\n");
	}
	ebs_buffer_append_string(out, "#endif\n");
	return result;
}

// The C's macros that have the name of anything in the header are put aside meanwhile: a member
// that is called as one of libc's macros is no member then.
static void put_aside(const struct ebs_names *names, const struct btf *btf, bool begin,
		      struct ebs_buffer *out)
{
	uint32_t size;
	const struct btf_header *header = btf__raw_data(btf, &size);
	const char *text = (const char *)header + header->hdr_len + header->str_off;
	const char *end = text + header->str_len;

	for (; names && text < end; text += strlen(text) + 1) {
		const struct ebs_name *name = ebs_names_find(names, text);

		if (!name || !(name->flags & EBS_NAME_MACRO))
			continue;
		ebs_buffer_printf(out, "#pragma %s_macro(\"%s\")\n", begin ? "push" : "pop", text);
		if (begin)
			ebs_buffer_printf(out, "#undef %s\n", text);
	}
}

static int dump(const void *data, size_t size, const struct ebs_names *names,
		const struct ebs_buffer *includes, struct ebs_buffer *out)
{
	struct btf *btf = btf__new(data, size);
	if (!btf)
		return -errno;

	struct btf_dump *writer = btf_dump__new(btf, on_text, out, NULL);
	int result = writer ? 0 : -errno;
	ebs_buffer_append_string(out, "#ifndef __VMLINUX_H__\n#define __VMLINUX_H__\n");
	if (includes)
		ebs_buffer_append(out, includes->data, includes->size);
	put_aside(names, btf, true, out);
	ebs_buffer_append_string(out, "#ifndef BPF_NO_PRESERVE_ACCESS_INDEX\n"
				      "#pragma clang attribute push "
				      "(__attribute__((preserve_access_index)), "
				      "apply_to = record)\n"
				      "#endif\n");
	for (uint32_t id = 1; !result && id < btf__type_cnt(btf); id++)
		if (!btf_is_func(btf__type_by_id(btf, id)))
			result = btf_dump__dump_type(writer, id);
	ebs_buffer_append_string(out, "#ifndef BPF_NO_PRESERVE_ACCESS_INDEX\n"
				      "#pragma clang attribute pop\n"
				      "#endif\n");
	if (!result)
		result = dump_functions(btf, writer, out);
	put_aside(names, btf, false, out);
	ebs_buffer_append_string(out, "#endif\n");
	// C that has only this header, and not ebscript.bpf.h, brings macros of its own.
	ebs_buffer_append_string(out, "#if defined(EBSCRIPT_BPF_H) && !defined(EBS_CONSTANTS)\n"
				      "#define EBS_CONSTANTS\n");
	if (names)
		ebs_constants_write(names, out);
	ebs_buffer_append_string(out, "#endif\n");
	if (!result && out->failed)
		result = -ENOMEM;
	btf_dump__free(writer);
	btf__free(btf);
	return result;
}

static bool enum_is_wanted(const struct ebs_btf_blob *blob, const struct ebs_names *names,
			   const struct btf_type *type)
{
	for (uint32_t i = 0; i < ebs_btf_vlen(type); i++) {
		const char *enumerator = ebs_btf_string(blob, ebs_btf_enumerator(type, i));
		const struct ebs_name *name = ebs_names_find(names, enumerator);

		if (name && name->flags & EBS_NAME_USED && !(name->flags & EBS_NAME_OWN))
			return true;
	}
	return false;
}

// Whether the C names the type, or one of the enumerators.
static bool is_wanted(const struct ebs_btf_blob *blob, const struct ebs_names *names,
		      const struct btf_type *type)
{
	const struct ebs_name *name = NULL;

	switch (ebs_btf_kind(type)) {
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		if (type->name_off)
			name = ebs_names_find(names, ebs_btf_string(blob, type->name_off));
		if (name && name->flags & EBS_NAME_TAG && !(name->flags & EBS_NAME_OWN_TAG))
			return true;
		return ebs_btf_is_enum(type) && enum_is_wanted(blob, names, type);
	case BTF_KIND_TYPEDEF:
		name = ebs_names_find(names, ebs_btf_string(blob, type->name_off));
		return name && name->flags & EBS_NAME_USED && !(name->flags & EBS_NAME_OWN);
	default:
		return false;
	}
}

// Functions and variables have no place in a header of types.
static bool is_type(const struct btf_type *type)
{
	switch (ebs_btf_kind(type)) {
	case BTF_KIND_FUNC:
	case BTF_KIND_VAR:
	case BTF_KIND_DATASEC:
	case BTF_KIND_DECL_TAG:
		return false;
	default:
		return true;
	}
}

static bool is_kfunc_tag(const struct ebs_btf_blob *blob, const struct btf_type *type)
{
	return ebs_btf_kind(type) == BTF_KIND_DECL_TAG &&
	       strcmp(ebs_btf_string(blob, type->name_off), "bpf_kfunc") == 0;
}

static bool has_kfunc_tags(const struct ebs_btf_blob *blob)
{
	for (uint32_t id = 1; id < blob->count; id++)
		if (is_kfunc_tag(blob, ebs_btf_type(blob, id)))
			return true;
	return false;
}

// A function that the C uses in this way, a flag of its name, and doesn't declare itself.
static void choose_function(struct ebs_closure *closure, const struct ebs_names *names, uint32_t id,
			    uint32_t how)
{
	const struct ebs_btf_blob *blob = closure->blob;
	const struct btf_type *function = id && id < blob->count ? ebs_btf_type(blob, id) : NULL;

	if (!function || ebs_btf_kind(function) != BTF_KIND_FUNC || !function->type ||
	    function->type >= blob->count)
		return;
	const struct ebs_name *name =
		ebs_names_find(names, ebs_btf_string(blob, function->name_off));
	if (!name || !(name->flags & how) || name->flags & EBS_NAME_OWN)
		return;
	const struct btf_type *prototype = ebs_btf_type(blob, function->type);
	if (ebs_btf_kind(prototype) != BTF_KIND_FUNC_PROTO)
		return;
	ebs_closure_add(closure, id);
	ebs_closure_follow(closure, prototype->type); // what it returns
}

static void choose_functions(struct ebs_closure *closure, const struct ebs_names *names)
{
	const struct ebs_btf_blob *blob = closure->blob;
	bool tagged = has_kfunc_tags(blob);

	for (uint32_t id = 1; id < blob->count; id++) {
		const struct btf_type *type = ebs_btf_type(blob, id);

		if (!tagged && ebs_btf_kind(type) == BTF_KIND_FUNC)
			choose_function(closure, names, id, EBS_NAME_CALLED);
		else if (tagged && is_kfunc_tag(blob, type))
			choose_function(closure, names, type->type, EBS_NAME_USED);
	}
}

static int choose(struct ebs_closure *closure, const struct ebs_names *names, bool all)
{
	const struct ebs_btf_blob *blob = closure->blob;

	for (uint32_t id = 1; id < blob->count && !closure->result; id++) {
		const struct btf_type *type = ebs_btf_type(blob, id);

		if (all ? !is_type(type) : !is_wanted(blob, names, type))
			continue;
		ebs_closure_add(closure, id);
		if (!all)
			ebs_closure_follow(closure, id);
	}
	if (names)
		choose_functions(closure, names);
	return ebs_closure_complete(closure);
}

// libbpf trusts what it is given, so it gets BTF of our own making.
static int write_header(const struct ebs_btf_blob *blob, const struct ebs_tokens *tokens, bool all,
			struct ebs_buffer *out, struct ebs_error *error)
{
	const struct ebs_names *names = tokens ? &tokens->names : NULL;
	struct ebs_buffer subset = { 0 };
	struct ebs_closure closure;
	int result = ebs_closure_begin(&closure, blob, names);

	if (!result)
		result = choose(&closure, names, all);
	if (!result)
		result = ebs_closure_write(&closure, &subset);
	ebs_closure_end(&closure);
	if (!result)
		result = dump(subset.data, subset.size, names,
			      tokens ? &tokens->system_includes : NULL, out);
	ebs_buffer_free(&subset);
	if (result)
		return ebs_error_errno(error, result, "can't write down the kernel's types");
	return 0;
}

int ebs_header_write_all(const struct ebs_btf_blob *blob, const struct ebs_tokens *tokens,
			 struct ebs_buffer *out, struct ebs_error *error)
{
	return write_header(blob, tokens, true, out, error);
}

int ebs_header_write_for(const struct ebs_btf_blob *blob, struct ebs_tokens *tokens,
			 struct ebs_buffer *out, struct ebs_error *error)
{
	struct ebs_names *names = &tokens->names;

	for (size_t i = 0; i < COUNT(always); i++)
		ebs_names_add(names, always[i], strlen(always[i]), EBS_NAME_USED);
	for (size_t i = 0; i < COUNT(always_tags); i++)
		ebs_names_add(names, always_tags[i], strlen(always_tags[i]), EBS_NAME_TAG);
	if (names->failed)
		return ebs_error_errno(error, ENOMEM, "can't write down the kernel's types");
	return write_header(blob, tokens, false, out, error);
}
