// SPDX-License-Identifier: GPL-2.0-only
// make_seeds OBJECT FOLDER: writes what the fuzzers start with into FOLDER/FUZZER/, from a compiled
// object, and from this machine's BTF where it has one.
#include <bpf/btf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buffer.h"
#include "compile/cache.h"
#include "types/btf_find.h"
#include "types/closure.h"
#include "types/kernel_identity.h"
#include "types/object_btf.h"

static const char *folder;

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void save(const char *fuzzer, const char *name, const void *data, size_t size)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", folder, fuzzer);
	mkdir(folder, 0755);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), "%s/%s/%s", folder, fuzzer, name);
	FILE *file = fopen(path, "w");
	if (!file || fwrite(data, 1, size, file) != size || fclose(file))
		fail(path);
}

// BTF, and behind it the bytes to decode.
static void save_layout(const char *name, const void *btf, size_t size)
{
	struct ebs_buffer bytes = { 0 };
	char sample[256];

	for (size_t i = 0; i < sizeof(sample); i++)
		sample[i] = (char)(i * 37);
	ebs_buffer_append(&bytes, btf, size);
	ebs_buffer_append(&bytes, sample, sizeof(sample));
	save("layout", name, bytes.data, bytes.size);
	save("record", name, bytes.data, bytes.size);
	ebs_buffer_free(&bytes);
}

// A part of the kernel's that is small enough for a fuzzer.
static void save_kernel(const char *type)
{
	struct ebs_btf_blob kernel;
	struct ebs_closure closure;
	struct ebs_buffer part = { 0 };
	struct ebs_error error = { 0 };

	if (ebs_btf_blob_open(&kernel, EBS_KERNEL_BTF, &error)) {
		ebs_error_clear(&error);
		return;
	}
	uint32_t id = ebs_btf_find(&kernel, type, BTF_KIND_STRUCT);
	if (id && !ebs_closure_begin(&closure, &kernel, NULL)) {
		ebs_closure_add(&closure, id);
		if (!ebs_closure_complete(&closure) && !ebs_closure_write(&closure, &part)) {
			save("btf", type, part.data, part.size);
			save_layout(type, part.data, part.size);
		}
		ebs_closure_end(&closure);
	}
	ebs_buffer_free(&part);
	ebs_btf_blob_close(&kernel);
}

int main(int argc, char **argv)
{
	struct ebs_buffer object = { 0 };
	size_t size;

	if (argc != 3 || ebs_buffer_read_file(&object, argv[1]))
		fail("usage: make_seeds OBJECT FOLDER");
	folder = argv[2];
	save("object", "seed.bpf.o", object.data, object.size);
	save("refusal", "seed.bpf.o", object.data, object.size);
	const void *btf = ebs_elf_section(object.data, object.size, ".BTF", &size);
	if (!btf)
		fail("the object's BTF");
	save("btf", "seed.bpf", btf, size);
	save_layout("seed.bpf", btf, size);
	for (size_t length = 16; length <= 256; length *= 4)
		save("value",
		     length == 16   ? "short"
		     : length == 64 ? "medium"
				    : "long",
		     object.data + 64, length);
	save_kernel("sockaddr_in6");
	save_kernel("list_head");
	save_kernel("iphdr");
	ebs_buffer_free(&object);
	return 0;
}
