// SPDX-License-Identifier: GPL-2.0-only
// The running kernel's own types, through libbpf's dump of its BTF.
#include "types/kernel_btf.h"

#include <bpf/btf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buffer.h"

static struct ebs_buffer header;

static void on_text(void *context, const char *format, va_list arguments)
{
	char *text = NULL;
	int size = vasprintf(&text, format, arguments);

	if (size < 0) {
		header.failed = true;
		return;
	}
	ebs_buffer_append(&header, text, size);
	free(text);
}

static int dump_types(const struct btf *btf)
{
	struct btf_dump *dump = btf_dump__new(btf, on_text, NULL, NULL);
	int error = 0;
	if (!dump)
		return -errno;
	for (uint32_t id = 1; id < btf__type_cnt(btf) && !error; id++)
		error = btf_dump__dump_type(dump, id);
	btf_dump__free(dump);
	return error;
}

const char *ebs_kernel_header(size_t *size, struct ebs_error *error)
{
	if (header.size) {
		*size = header.size;
		return header.data;
	}
	struct btf *btf = btf__load_vmlinux_btf();
	int result = btf ? 0 : -errno;
	if (result) {
		ebs_error_explain(error, result,
				  "this kernel gives no types of its own (/sys/kernel/btf/vmlinux): it needs "
				  "CONFIG_DEBUG_INFO_BTF");
		return NULL;
	}
	ebs_buffer_append_string(&header,
				 "#ifndef __VMLINUX_H__\n#define __VMLINUX_H__\n"
				 "#pragma clang attribute push "
				 "(__attribute__((preserve_access_index)), apply_to = record)\n");
	result = dump_types(btf);
	ebs_buffer_append_string(&header, "#pragma clang attribute pop\n#endif\n");
	btf__free(btf);
	if (!result && header.failed)
		result = -ENOMEM;
	if (result) {
		ebs_buffer_free(&header);
		ebs_error_errno(error, result, "can't write down the kernel's types");
		return NULL;
	}
	*size = header.size;
	return header.data;
}

void ebs_kernel_header_free(void)
{
	ebs_buffer_free(&header);
}
