// SPDX-License-Identifier: GPL-2.0-only
// Raw access to BTF, without libbpf parsing it.
#include "types/btf_blob.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "types/kernel_identity.h"

static int refuse(struct ebs_error *error, const char *what, const char *why)
{
	return ebs_error_set(error, "EINVAL", "%s: broken BTF: %s", what, why);
}

uint32_t ebs_btf_type_size(const struct btf_type *type)
{
	uint32_t vlen = BTF_INFO_VLEN(type->info);
	uint32_t details;

	switch (ebs_btf_kind(type)) {
	case BTF_KIND_PTR:
	case BTF_KIND_FWD:
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_CONST:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_FUNC:
	case BTF_KIND_FLOAT:
	case BTF_KIND_TYPE_TAG:
		details = 0;
		break;
	case BTF_KIND_INT:
		details = sizeof(uint32_t);
		break;
	case BTF_KIND_ARRAY:
		details = sizeof(struct btf_array);
		break;
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		details = vlen * sizeof(struct btf_member);
		break;
	case BTF_KIND_ENUM:
		details = vlen * sizeof(struct btf_enum);
		break;
	case BTF_KIND_ENUM64:
		details = vlen * sizeof(struct btf_enum64);
		break;
	case BTF_KIND_FUNC_PROTO:
		details = vlen * sizeof(struct btf_param);
		break;
	case BTF_KIND_VAR:
		details = sizeof(struct btf_var);
		break;
	case BTF_KIND_DATASEC:
		details = vlen * sizeof(struct btf_var_secinfo);
		break;
	case BTF_KIND_DECL_TAG:
		details = sizeof(struct btf_decl_tag);
		break;
	default:
		return 0;
	}
	return sizeof(*type) + details;
}

size_t ebs_btf_essential_length(const char *name, size_t length)
{
	for (size_t i = length; i-- > 0;)
		if (i + 4 < length && name[i] != '_' && memcmp(name + i + 1, "___", 3) == 0 &&
		    name[i + 4] != '_')
			return i + 1;
	return length;
}

// Finds where each type begins; this is the only look that all of them get.
static int index_types(struct ebs_btf_blob *blob, uint32_t size, const char *what,
		       struct ebs_error *error)
{
	uint32_t offset = 0;

	blob->offsets = malloc((size / sizeof(struct btf_type) + 2) * sizeof(*blob->offsets));
	if (!blob->offsets)
		return ebs_error_errno(error, ENOMEM, "can't read %s", what);
	blob->offsets[0] = 0;
	blob->count = 1;
	while (offset < size) {
		const struct btf_type *type = (const struct btf_type *)(blob->types + offset);
		if (size - offset < sizeof(*type))
			return refuse(error, what, "it ends inside a type");

		uint32_t needed = ebs_btf_type_size(type);
		if (!needed)
			return ebs_error_set(error, "EINVAL",
					     "%s: type %u is of a kind (%u) that isn't known", what,
					     blob->count, ebs_btf_kind(type));
		if (needed > size - offset)
			return refuse(error, what, "it ends inside a type");
		if (type->name_off >= blob->string_size)
			return refuse(error, what, "a type's name is outside of the strings");
		blob->offsets[blob->count++] = offset;
		offset += needed;
	}
	return 0;
}

static int parse(struct ebs_btf_blob *blob, const char *what, struct ebs_error *error)
{
	const struct btf_header *header = (const struct btf_header *)blob->data;

	if (blob->size < sizeof(*header) || (uintptr_t)blob->data % 4)
		return refuse(error, what, "it is too short");
	if (header->magic != BTF_MAGIC)
		return refuse(error, what, "it does not begin as BTF of this machine does");
	if (header->version != BTF_VERSION || header->hdr_len < sizeof(*header) ||
	    header->hdr_len > blob->size)
		return refuse(error, what, "the version or the header's length is wrong");

	size_t room = blob->size - header->hdr_len;
	if (header->type_off % 4 || header->hdr_len % 4 || header->type_off > room ||
	    header->type_len > room - header->type_off || header->str_off > room ||
	    header->str_len > room - header->str_off)
		return refuse(error, what, "it is shorter than its header says");
	blob->types = blob->data + header->hdr_len + header->type_off;
	blob->strings = (const char *)blob->data + header->hdr_len + header->str_off;
	blob->string_size = header->str_len;
	if (!header->str_len || blob->strings[0] || blob->strings[header->str_len - 1])
		return refuse(error, what, "its strings don't begin and end with a NUL");
	return index_types(blob, header->type_len, what, error);
}

int ebs_btf_blob_view(struct ebs_btf_blob *blob, const void *data, size_t size, const char *what,
		      struct ebs_error *error)
{
	*blob = (struct ebs_btf_blob){ .data = data, .size = size, .lent = true };
	int result = parse(blob, what, error);
	if (result)
		ebs_btf_blob_close(blob);
	return result;
}

static int take_file(struct ebs_btf_blob *blob, int fd)
{
	struct stat status;
	if (fstat(fd, &status))
		return -errno;

	// Only what can't shrink under us: a mapped file that does would kill the process.
	if (status.st_size > 0 && !(status.st_mode & (S_IWUSR | S_IWGRP | S_IWOTH))) {
		void *data = mmap(NULL, status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (data != MAP_FAILED) {
			blob->data = data;
			blob->size = status.st_size;
			blob->mapped = true;
			return 0;
		}
	}
	struct ebs_buffer content = { 0 };
	int result = ebs_buffer_read_fd(&content, fd);
	if (result) {
		ebs_buffer_free(&content);
		return result;
	}
	blob->size = content.size;
	blob->data = (const uint8_t *)ebs_buffer_take(&content);
	return 0;
}

int ebs_btf_blob_open(struct ebs_btf_blob *blob, const char *path, struct ebs_error *error)
{
	*blob = (struct ebs_btf_blob){ 0 };
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT && strcmp(path, EBS_KERNEL_BTF) == 0)
		return ebs_error_explain(
			error, errno,
			"this kernel has no BTF, the description of its types (there is "
			"no %s): it takes one that is built with CONFIG_DEBUG_INFO_BTF=y",
			path);
	if (fd < 0)
		return ebs_error_errno(error, errno, "can't open %s", path);

	int result = take_file(blob, fd);
	close(fd);
	if (result)
		return ebs_error_errno(error, result, "can't read %s", path);
	result = parse(blob, path, error);
	if (result)
		ebs_btf_blob_close(blob);
	return result;
}

void ebs_btf_blob_close(struct ebs_btf_blob *blob)
{
	if (blob->mapped)
		munmap((void *)(uintptr_t)blob->data, blob->size);
	else if (!blob->lent)
		free((void *)(uintptr_t)blob->data);
	free(blob->offsets);
	*blob = (struct ebs_btf_blob){ 0 };
}
