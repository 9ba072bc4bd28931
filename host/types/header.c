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

static int dump(const void *data, size_t size, struct ebs_buffer *out)
{
	struct btf *btf = btf__new(data, size);
	if (!btf)
		return -errno;

	struct btf_dump *writer = btf_dump__new(btf, on_text, out, NULL);
	int result = writer ? 0 : -errno;
	ebs_buffer_append_string(out, "#ifndef __VMLINUX_H__\n#define __VMLINUX_H__\n"
				      "#pragma clang attribute push "
				      "(__attribute__((preserve_access_index)), "
				      "apply_to = record)\n");
	for (uint32_t id = 1; !result && id < btf__type_cnt(btf); id++)
		result = btf_dump__dump_type(writer, id);
	ebs_buffer_append_string(out, "#pragma clang attribute pop\n#endif\n");
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

// `names`: those that the C uses; NULL: all types.
static int choose(struct ebs_closure *closure, const struct ebs_names *names)
{
	const struct ebs_btf_blob *blob = closure->blob;

	for (uint32_t id = 1; id < blob->count && !closure->result; id++) {
		const struct btf_type *type = ebs_btf_type(blob, id);

		if (names ? !is_wanted(blob, names, type) : !is_type(type))
			continue;
		ebs_closure_add(closure, id);
		if (names)
			ebs_closure_follow(closure, id);
	}
	return ebs_closure_complete(closure);
}

// libbpf trusts what it is given, so it gets BTF of our own making.
static int write_header(const struct ebs_btf_blob *blob, const struct ebs_names *names,
			struct ebs_buffer *out, struct ebs_error *error)
{
	struct ebs_buffer subset = { 0 };
	struct ebs_closure closure;
	int result = ebs_closure_begin(&closure, blob, names);

	if (!result)
		result = choose(&closure, names);
	if (!result)
		result = ebs_closure_write(&closure, &subset);
	ebs_closure_end(&closure);
	if (!result)
		result = dump(subset.data, subset.size, out);
	ebs_buffer_free(&subset);
	if (result)
		return ebs_error_errno(error, result, "can't write down the kernel's types");
	return 0;
}

int ebs_header_write_all(const struct ebs_btf_blob *blob, struct ebs_buffer *out,
			 struct ebs_error *error)
{
	return write_header(blob, NULL, out, error);
}

int ebs_header_write_for(const struct ebs_btf_blob *blob, struct ebs_names *names,
			 struct ebs_buffer *out, struct ebs_error *error)
{
	for (size_t i = 0; i < COUNT(always); i++)
		ebs_names_add(names, always[i], strlen(always[i]), EBS_NAME_USED);
	for (size_t i = 0; i < COUNT(always_tags); i++)
		ebs_names_add(names, always_tags[i], strlen(always_tags[i]), EBS_NAME_TAG);
	if (names->failed)
		return ebs_error_errno(error, ENOMEM, "can't write down the kernel's types");
	return write_header(blob, names, out, error);
}
