// SPDX-License-Identifier: GPL-2.0-only
// The file that the symbols of a stripped one were moved to. One counts only when its build id, or
// the checksum that the stripped file has of it, agrees.
// https://sourceware.org/gdb/current/onlinedocs/gdb.html/Separate-Debug-Files.html
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/bytes.h"
#include "base/path.h"
#include "binary/file_private.h"

#define DEBUG_FOLDER "/usr/lib/debug"

static bool has_symbol_table(const struct ebs_binary *binary)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;

	while ((section = elf_nextscn(binary->elf, section)))
		if (gelf_getshdr(section, &header) && header.sh_type == SHT_SYMTAB)
			return true;
	return false;
}

static bool same_build_id(const struct ebs_binary *binary, const struct ebs_binary *debug)
{
	uint8_t id[EBS_BUILD_ID_SIZE], other[EBS_BUILD_ID_SIZE];
	size_t size = ebs_binary_build_id(binary, id);

	return size && ebs_binary_build_id(debug, other) == size && memcmp(id, other, size) == 0;
}

// Of the whole file. By crc32_z(), since libelf.a of elfutils 0.196 has a crc32() too: both archives
// would be asked for one.
static bool has_checksum(const struct ebs_binary *debug, uint32_t wanted)
{
	uint8_t bytes[65536];
	uint32_t sum = 0;
	off_t place = 0;
	ssize_t size;

	while ((size = pread(debug->fd, bytes, sizeof(bytes), place)) > 0) {
		sum = (uint32_t)crc32_z(sum, bytes, size);
		place += size;
	}
	return size == 0 && sum == wanted;
}

// Opens the file if it is the right one. `checksum` NULL: its build id must agree.
static struct ebs_binary *try_file(const struct ebs_binary *binary, const char *path,
				   const uint32_t *checksum)
{
	struct ebs_binary *debug = access(path, R_OK) ? NULL : ebs_binary_open(path, NULL);

	if (debug && has_symbol_table(debug) &&
	    (same_build_id(binary, debug) || (checksum && has_checksum(debug, *checksum))))
		return debug;
	ebs_binary_close(debug);
	return NULL;
}

static struct ebs_binary *find_by_build_id(const struct ebs_binary *binary)
{
	uint8_t id[EBS_BUILD_ID_SIZE];
	size_t size = ebs_binary_build_id(binary, id);
	struct ebs_buffer path = { 0 };
	struct ebs_binary *debug = NULL;

	if (size < 2)
		return NULL;
	ebs_buffer_printf(&path, DEBUG_FOLDER "/.build-id/%02x/", id[0]);
	for (size_t i = 1; i < size; i++)
		ebs_buffer_printf(&path, "%02x", id[i]);
	ebs_buffer_append_string(&path, ".debug");
	if (!path.failed)
		debug = try_file(binary, path.data, NULL);
	ebs_buffer_free(&path);
	return debug;
}

// The section has the file's name, up to three bytes to the next 4, and the checksum.
static struct ebs_binary *find_by_link(const struct ebs_binary *binary)
{
	GElf_Shdr header;
	Elf_Scn *section = ebs_binary_section(binary, ".gnu_debuglink", &header);
	const Elf_Data *data = section ? elf_rawdata(section, NULL) : NULL;
	struct ebs_bytes left = ebs_bytes_of(data ? data->d_buf : NULL, data ? data->d_size : 0);
	const char *name = ebs_bytes_text(&left);
	size_t unaligned = name ? (strlen(name) + 1) % 4 : 0;
	char *real = realpath(binary->name, NULL);
	char *folder = real ? ebs_path_directory(real) : NULL;
	struct ebs_binary *debug = NULL;
	uint32_t checksum;

	if (name && *name && folder && !strchr(name, '/') &&
	    ebs_bytes_take(&left, unaligned ? 4 - unaligned : 0, NULL) &&
	    ebs_bytes_copy(&left, &checksum, sizeof(checksum))) {
		static const struct {
			const char *before, *after;
		} folders[] = { { "", "" }, { "", "/.debug" }, { DEBUG_FOLDER, "" } };

		for (size_t i = 0; !debug && i < sizeof(folders) / sizeof(folders[0]); i++) {
			char *path = NULL;

			if (asprintf(&path, "%s%s%s/%s", folders[i].before, folder,
				     folders[i].after, name) < 0)
				break;
			debug = try_file(binary, path, &checksum);
			free(path);
		}
	}
	free(folder);
	free(real);
	return debug;
}

struct ebs_binary *ebs_binary_debug(struct ebs_binary *binary)
{
	if (!binary->looked_for_debug && !has_symbol_table(binary)) {
		binary->debug = find_by_build_id(binary);
		if (!binary->debug)
			binary->debug = find_by_link(binary);
	}
	binary->looked_for_debug = true;
	return binary->debug;
}
