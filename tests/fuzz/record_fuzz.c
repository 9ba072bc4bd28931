// SPDX-License-Identifier: GPL-2.0-only
// Any bytes as an object's BTF, and as a sample of each of its types, printed as rows: BTF, then
// 256 bytes.
#include "rows.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "output/record.h"
#include "types/layout.h"

#define SAMPLE   256
#define MOST     100   // types that are looked at
#define HEAVIEST 20000 // values in a row; types can be made so that the same bytes are any number

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	libbpf_set_print(NULL);
	return 0;
}

// How many values a row may have, or HEAVIEST.
static size_t weigh(const struct ebs_layout *layout, size_t size)
{
	size_t weight = 1;

	if (layout->kind == EBS_ARRAY) {
		size_t stride = layout->element->size;
		size_t count = stride ? size / stride : 0;

		weight += count ? count * weigh(layout->element, stride < size ? stride : size) : 0;
	}
	for (uint32_t i = 0; layout->kind == EBS_RECORD && i < layout->field_count; i++) {
		weight += weigh(layout->fields[i].layout, size);
		if (weight >= HEAVIEST)
			break;
	}
	return weight < HEAVIEST ? weight : HEAVIEST;
}

static void print(const struct ebs_layout *layout, const uint8_t *data, bool json)
{
	struct ebs_buffer spec = { 0 };
	struct ebs_error error = { 0 };

	ebs_record_spec(layout, &spec);
	struct ebs_columns *columns = spec.size ? ebs_columns_new(spec.data, json, &error)
						: NULL; // names may be no names
	struct ebs_record *record = columns ? ebs_record_new(columns, layout, &error) : NULL;
	if (record)
		MUST(ebs_record_fits(record, layout));
	for (size_t size = 0; record && size <= SAMPLE; size += 1 + size * 3) {
		struct ebs_buffer out = { 0 };
		uint8_t *copy = malloc(size); // reads behind it are seen

		memcpy(copy, data, size);
		ebs_record_append(record, copy, size, &out);
		check_row(&out, 0);
		if (json)
			check_json(out.data, out.size - 1);
		ebs_buffer_free(&out);
		free(copy);
	}
	ebs_record_free(record);
	ebs_columns_free(columns);
	ebs_error_clear(&error);
	ebs_buffer_free(&spec);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size <= SAMPLE)
		return 0;
	struct btf *btf = btf__new(data, size - SAMPLE);
	if (!btf)
		return 0;
	struct ebs_types *types = ebs_types_new(btf);
	MUST(types);
	for (uint32_t id = 1; id < btf__type_cnt(btf) && id < MOST; id++) {
		const struct ebs_layout *layout = ebs_types_layout(types, id, NULL);

		if (!layout || layout->kind != EBS_RECORD || weigh(layout, SAMPLE) >= HEAVIEST)
			continue;
		print(layout, data + size - SAMPLE, false);
		print(layout, data + size - SAMPLE, true);
	}
	ebs_types_free(types);
	btf__free(btf);
	return 0;
}
