// SPDX-License-Identifier: GPL-2.0-only
// An executable or library that is opened once: its segments, its notes, its sections.
#include "binary/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "binary/file_private.h"
#include "binary/find.h"

#define MOST_SEGMENTS 1024 // that a program has more of is no program

// https://go.dev/src/cmd/link/internal/ld/elf.go
#define GO_OWNER    "Go\0"
#define GO_BUILD_ID 4

static int read_segments(struct ebs_binary *binary)
{
	GElf_Phdr segment;
	size_t count;

	if (elf_getphdrnum(binary->elf, &count) || count > MOST_SEGMENTS)
		return -EINVAL;
	binary->segments = calloc(count + 1, sizeof(*binary->segments));
	if (!binary->segments)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		if (gelf_getphdr(binary->elf, (int)i, &segment) && segment.p_type == PT_LOAD)
			binary->segments[binary->segment_count++] = (struct ebs_segment){
				.address = segment.p_vaddr,
				.offset = segment.p_offset,
				.size = segment.p_filesz,
			};
	return 0;
}

// Nothing is mapped: a file that somebody makes shorter meanwhile is a failed read, and no signal.
static int open_elf(struct ebs_binary *binary, const char *path, struct ebs_error *error)
{
	struct stat status;

	elf_version(EV_CURRENT);
	binary->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (binary->fd < 0)
		return ebs_error_errno(error, errno, "can't open \"%s\"", path);
	if (fstat(binary->fd, &status) || !S_ISREG(status.st_mode))
		return ebs_error_set(error, "EINVAL", "\"%s\" is no ELF file", path);
	binary->elf = elf_begin(binary->fd, ELF_C_READ, NULL);
	if (!binary->elf || elf_kind(binary->elf) != ELF_K_ELF)
		return ebs_error_set(error, "EINVAL", "\"%s\" is no ELF file", path);
	int result = read_segments(binary);
	if (result)
		return ebs_error_errno(error, result, "can't read the segments of \"%s\"", path);
	snprintf(binary->path, sizeof(binary->path), "/proc/self/fd/%d", binary->fd);
	if (access(binary->path, F_OK))
		*binary->path = '\0';
	return 0;
}

static struct ebs_binary *open_as(const char *path, const char *name, struct ebs_error *error)
{
	struct ebs_binary *binary = calloc(1, sizeof(*binary));
	if (!binary) {
		ebs_error_errno(error, ENOMEM, "can't open \"%s\"", path);
		return NULL;
	}
	binary->fd = -1;
	binary->name = strdup(name);
	int result = binary->name ? open_elf(binary, path, error)
				  : ebs_error_errno(error, ENOMEM, "can't open \"%s\"", path);
	if (result) {
		ebs_binary_close(binary);
		return NULL;
	}
	return binary;
}

struct ebs_binary *ebs_binary_open(const char *path, struct ebs_error *error)
{
	return open_as(path, path, error);
}

struct ebs_binary *ebs_binary_open_name(const char *name, pid_t pid, struct ebs_error *error)
{
	struct ebs_error cause = { 0 };
	char *own = ebs_binary_find(name, &cause);
	char *shown = NULL;
	char *mapped = pid > 0 ? ebs_mapped_file(pid, name, own, &shown) : NULL;
	struct ebs_binary *binary = NULL;

	if (mapped && shown)
		binary = open_as(mapped, shown, error);
	else if (own)
		binary = ebs_binary_open(own, error);
	else if (error)
		*error = cause, cause = (struct ebs_error){ 0 };
	ebs_error_clear(&cause);
	free(own);
	free(shown);
	free(mapped);
	return binary;
}

void ebs_binary_close(struct ebs_binary *binary)
{
	if (!binary)
		return;
	ebs_binary_close(binary->debug);
	elf_end(binary->elf);
	if (binary->fd >= 0)
		close(binary->fd);
	free(binary->segments);
	free(binary->name);
	free(binary);
}

const char *ebs_binary_name(const struct ebs_binary *binary)
{
	return binary->name;
}

const char *ebs_binary_path(const struct ebs_binary *binary)
{
	return *binary->path ? binary->path : binary->name;
}

bool ebs_binary_offset(const struct ebs_binary *binary, uint64_t address, uint64_t *offset)
{
	for (size_t i = 0; i < binary->segment_count; i++) {
		const struct ebs_segment *segment = &binary->segments[i];

		if (address < segment->address || address - segment->address >= segment->size)
			continue;
		*offset = address - segment->address + segment->offset;
		return true;
	}
	return false;
}

Elf_Scn *ebs_binary_section(const struct ebs_binary *binary, const char *name, GElf_Shdr *header)
{
	Elf_Scn *section = NULL;
	size_t names;

	if (elf_getshdrstrndx(binary->elf, &names))
		return NULL;
	while ((section = elf_nextscn(binary->elf, section))) {
		const char *found = gelf_getshdr(section, header)
					    ? elf_strptr(binary->elf, names, header->sh_name)
					    : NULL;
		if (found && strcmp(found, name) == 0)
			return section;
	}
	return NULL;
}

// The description of a note, by its owner (with the NUL) and type, in a segment's or section's
// bytes.
static const uint8_t *find_note(Elf_Data *data, const char *owner, size_t owner_size, uint32_t type,
				size_t *size)
{
	size_t name, description, place = 0;
	GElf_Nhdr note;

	while (data && (place = gelf_getnote(data, place, &note, &name, &description)) > 0) {
		const uint8_t *bytes = data->d_buf;

		if (note.n_type != type || note.n_namesz != owner_size ||
		    memcmp(bytes + name, owner, owner_size))
			continue;
		*size = note.n_descsz;
		return bytes + description;
	}
	return NULL;
}

// Segments say the same as sections, which a file may have lost.
static const uint8_t *find_any_note(const struct ebs_binary *binary, const char *owner,
				    size_t owner_size, uint32_t type, size_t *size)
{
	const uint8_t *found = NULL;
	GElf_Phdr segment;
	GElf_Shdr header;
	Elf_Scn *section = NULL;
	size_t count = 0;

	elf_getphdrnum(binary->elf, &count);
	for (size_t i = 0; !found && i < count; i++)
		if (gelf_getphdr(binary->elf, (int)i, &segment) && segment.p_type == PT_NOTE)
			found = find_note(elf_getdata_rawchunk(
						  binary->elf, (int64_t)segment.p_offset,
						  segment.p_filesz,
						  segment.p_align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR),
					  owner, owner_size, type, size);
	while (!found && (section = elf_nextscn(binary->elf, section)))
		if (gelf_getshdr(section, &header) && header.sh_type == SHT_NOTE)
			found = find_note(elf_getdata(section, NULL), owner, owner_size, type,
					  size);
	return found;
}

size_t ebs_binary_build_id(const struct ebs_binary *binary, uint8_t id[EBS_BUILD_ID_SIZE])
{
	size_t size = 0;
	const uint8_t *found = find_any_note(binary, "GNU", 4, NT_GNU_BUILD_ID, &size);

	if (!found || size > EBS_BUILD_ID_SIZE)
		return 0;
	memcpy(id, found, size);
	return size;
}

bool ebs_binary_is_go(const struct ebs_binary *binary)
{
	size_t size;

	return find_any_note(binary, GO_OWNER, sizeof(GO_OWNER), GO_BUILD_ID, &size);
}
