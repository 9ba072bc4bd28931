// SPDX-License-Identifier: GPL-2.0-only
// The BTF of a compiled object, with its CO-RE relocations and lines.
#include "types/object_btf.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/bytes.h"

// The head of .BTF.ext; places count from its end.
struct ext_header {
	uint16_t magic;
	uint8_t version;
	uint8_t flags;
	uint32_t size;
	uint32_t function_place, function_size;
	uint32_t line_place, line_size;
	uint32_t relocation_place, relocation_size;
};

struct ext_section {
	uint32_t name; // place in the strings of .BTF
	uint32_t count;
};

int ebs_ext_visit(const void *btf_ext, size_t size, enum ebs_ext_table table,
		  int (*visit)(void *context, uint32_t section, const void *record), void *context)
{
	const struct ebs_bytes whole = ebs_bytes_of(btf_ext, size);
	struct ebs_bytes left = whole;
	struct ext_header header = { 0 };
	union {
		struct ebs_function_record function;
		struct ebs_line_record line;
		struct ebs_relocation relocation;
	} record;
	uint32_t record_size;

	if (size < 8 ||
	    !ebs_bytes_copy(&left, &header, size < sizeof(header) ? size : sizeof(header)))
		return -EINVAL;
	left = whole;
	if (header.magic != BTF_MAGIC ||
	    header.size < offsetof(struct ext_header, relocation_place) ||
	    !ebs_bytes_take(&left, header.size, NULL))
		return -EINVAL;
	// Compilers from before CO-RE wrote a shorter head.
	if (header.size < sizeof(header))
		header.relocation_size = 0;
	const struct {
		uint32_t place, size;
		size_t smallest;
	} tables[] = {
		[EBS_EXT_FUNCTIONS] = { header.function_place, header.function_size,
					sizeof(record.function) },
		[EBS_EXT_LINES] = { header.line_place, header.line_size, sizeof(record.line) },
		[EBS_EXT_RELOCATIONS] = { header.relocation_place, header.relocation_size,
					  sizeof(record.relocation) },
	};
	size_t smallest = tables[table].smallest;

	if (!tables[table].size)
		return 0;
	if (!ebs_bytes_part(left, tables[table].place, tables[table].size, &left) ||
	    !ebs_bytes_copy(&left, &record_size, sizeof(record_size)) || record_size < smallest)
		return -EINVAL;
	while (left.size) {
		struct ext_section section;

		if (!ebs_bytes_copy(&left, &section, sizeof(section)))
			return -EINVAL;
		for (uint32_t i = 0; i < section.count; i++) {
			struct ebs_bytes one;

			if (!ebs_bytes_take(&left, record_size, &one) ||
			    !ebs_bytes_copy(&one, &record, smallest))
				return -EINVAL;
			int result = visit(context, section.name, &record);
			if (result)
				return result;
		}
	}
	return 0;
}
