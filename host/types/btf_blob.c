// SPDX-License-Identifier: GPL-2.0-only
// Raw access to BTF, without libbpf parsing it.
#include "types/btf_blob.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/bytes.h"
#include "types/kernel_identity.h"

// What libbpf 1.1 to 1.6 read of a type's members: 16 bits count them.
#define MOST_MEMBERS 0xffff

static int refuse(struct ebs_error *error, const char *what, const char *why)
{
	return ebs_error_set(error, "EINVAL", "%s: broken BTF: %s", what, why);
}

uint32_t ebs_btf_type_size(const struct btf_type *type)
{
	uint32_t vlen = ebs_btf_vlen(type);
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
		details = EBS_BTF_INT_BYTES;
		break;
	case BTF_KIND_ARRAY:
		details = EBS_BTF_ARRAY_BYTES;
		break;
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		details = vlen * EBS_BTF_MEMBER_BYTES;
		break;
	case BTF_KIND_ENUM:
		details = vlen * EBS_BTF_ENUM_BYTES;
		break;
	case BTF_KIND_ENUM64:
		details = vlen * EBS_BTF_ENUM64_BYTES;
		break;
	case BTF_KIND_FUNC_PROTO:
		details = vlen * EBS_BTF_PARAM_BYTES;
		break;
	case BTF_KIND_VAR:
		details = EBS_BTF_VAR_BYTES;
		break;
	case BTF_KIND_DATASEC:
		details = vlen * EBS_BTF_SECTION_VAR_BYTES;
		break;
	case BTF_KIND_DECL_TAG:
		details = EBS_BTF_DECL_TAG_BYTES;
		break;
	default:
		return 0;
	}
	return EBS_BTF_TYPE_BYTES + details;
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

	blob->offsets = malloc((size / EBS_BTF_TYPE_BYTES + 2) * sizeof(*blob->offsets));
	if (!blob->offsets)
		return ebs_error_errno(error, ENOMEM, "can't read %s", what);
	blob->offsets[0] = 0;
	blob->count = 1;
	while (offset < size) {
		const struct btf_type *type = (const struct btf_type *)(blob->types + offset);
		if (size - offset < EBS_BTF_TYPE_BYTES)
			return refuse(error, what, "it ends inside a type");

		uint32_t needed = ebs_btf_type_size(type);
		if (!needed)
			return ebs_error_set(error, "EINVAL",
					     "%s: type %u is of a kind (%u) that isn't known", what,
					     blob->count, ebs_btf_kind(type));
		if (needed > size - offset)
			return refuse(error, what, "it ends inside a type");
		// Variables' sections stay here; of the rest, all goes on to libbpf's writer.
		if (ebs_btf_vlen(type) > MOST_MEMBERS && ebs_btf_kind(type) != BTF_KIND_DATASEC)
			return refuse(error, what, "a type has more members than libbpf can read");
		if (type->name_off >= blob->string_size)
			return refuse(error, what, "a type's name is outside of the strings");
		blob->offsets[blob->count++] = offset;
		offset += needed;
	}
	return 0;
}

static int parse(struct ebs_btf_blob *blob, const char *what, struct ebs_error *error)
{
	const struct ebs_bytes whole = ebs_bytes_of(blob->data, blob->size);
	struct ebs_bytes left = whole;
	struct ebs_bytes types, strings;
	struct ebs_btf_header header;

	if ((uintptr_t)blob->data % 4 || !ebs_bytes_copy(&left, &header, sizeof(header)))
		return refuse(error, what, "it is too short");
	if (header.magic != BTF_MAGIC)
		return refuse(error, what, "it does not begin as BTF of this machine does");
	left = whole;
	if (header.version != BTF_VERSION || header.header_size < EBS_BTF_HEADER_BYTES ||
	    !ebs_bytes_take(&left, header.header_size, NULL))
		return refuse(error, what, "the version or the header's length is wrong");
	if (header.type_place % 4 || header.header_size % 4 ||
	    !ebs_bytes_part(left, header.type_place, header.type_size, &types) ||
	    !ebs_bytes_part(left, header.string_place, header.string_size, &strings))
		return refuse(error, what, "it is shorter than its header says");
	blob->types = types.data;
	blob->strings = (const char *)strings.data;
	blob->string_size = header.string_size;
	if (!header.string_size || blob->strings[0] || blob->strings[header.string_size - 1])
		return refuse(error, what, "its strings don't begin and end with a NUL");
	return index_types(blob, header.type_size, what, error);
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
	struct statfs system;
	if (fstat(fd, &status) || fstatfs(fd, &system))
		return -errno;

	// Only the kernel's own, which stays as it is. Any other file can be cut or changed while
	// it is read: a mapping would then kill the process, or be checked and used differently.
	if (status.st_size > 0 && system.f_type == SYSFS_MAGIC) {
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
