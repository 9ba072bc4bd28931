// SPDX-License-Identifier: GPL-2.0-only
// What executables and libraries offer to probes: functions, and USDT probes.
#include "binary/symbols.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <libiberty/demangle.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define USDT_SECTION ".note.stapsdt"
#define USDT_OWNER   "stapsdt"
#define USDT_TYPE    3 // of the note: the only one that there is

struct file {
	const char *path;
	int fd;
	Elf *elf;
	ebs_symbol_visit *visit;
	void *context;
	struct ebs_error *error;
};

static int refuse(struct file *file, const char *what)
{
	return ebs_error_set(file->error, "EINVAL", "\"%s\" %s", file->path, what);
}

static int open_file(struct file *file)
{
	elf_version(EV_CURRENT);
	file->fd = open(file->path, O_RDONLY | O_CLOEXEC);
	if (file->fd < 0)
		return ebs_error_errno(file->error, errno, "can't open \"%s\"", file->path);
	file->elf = elf_begin(file->fd, ELF_C_READ_MMAP, NULL);
	if (!file->elf || elf_kind(file->elf) != ELF_K_ELF)
		return refuse(file, "is no ELF file");
	return 0;
}

static void close_file(struct file *file)
{
	elf_end(file->elf);
	if (file->fd >= 0)
		close(file->fd);
}

// Where the bytes of an address are in the file. False where no segment has it.
static bool find_offset(const struct file *file, uint64_t address, uint64_t *offset)
{
	size_t count;
	GElf_Phdr segment;

	if (elf_getphdrnum(file->elf, &count))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!gelf_getphdr(file->elf, i, &segment) || segment.p_type != PT_LOAD ||
		    address < segment.p_vaddr || address - segment.p_vaddr >= segment.p_filesz)
			continue;
		*offset = address - segment.p_vaddr + segment.p_offset;
		return true;
	}
	return false;
}

static int visit_function(struct file *file, const char *name, const GElf_Sym *symbol)
{
	int type = GELF_ST_TYPE(symbol->st_info);
	struct ebs_symbol function = { .name = name, .is_resolver = type == STT_GNU_IFUNC };

	if ((type != STT_FUNC && type != STT_GNU_IFUNC) || symbol->st_shndx == SHN_UNDEF || !name ||
	    !*name || !find_offset(file, symbol->st_value, &function.offset))
		return 0;
	char *demangled = NULL;
	if (name[0] == '_' && (name[1] == 'Z' || name[1] == 'R'))
		demangled = cplus_demangle(name, DMGL_AUTO | DMGL_PARAMS | DMGL_ANSI);
	function.demangled = demangled;
	int result = file->visit(file->context, &function);
	free(demangled);
	return result;
}

static int visit_table(struct file *file, Elf_Scn *section, const GElf_Shdr *header)
{
	Elf_Data *data = elf_getdata(section, NULL);
	size_t count = header->sh_entsize ? header->sh_size / header->sh_entsize : 0;
	int result = 0;

	for (size_t i = 0; data && i < count && !result; i++) {
		GElf_Sym symbol;

		if (gelf_getsym(data, (int)i, &symbol))
			result = visit_function(
				file, elf_strptr(file->elf, header->sh_link, symbol.st_name),
				&symbol);
	}
	return result;
}

static int visit_functions(struct file *file)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	int result = 0;

	while (!result && (section = elf_nextscn(file->elf, section)))
		if (gelf_getshdr(section, &header) &&
		    (header.sh_type == SHT_SYMTAB || header.sh_type == SHT_DYNSYM))
			result = visit_table(file, section, &header);
	return result;
}

// A note's description: three addresses (the probe, a base, the semaphore), then provider, name and
// arguments, each with a NUL. https://sourceware.org/systemtap/wiki/UserSpaceProbeImplementation
static int visit_note(struct file *file, const char *description, size_t size)
{
	size_t word = gelf_getclass(file->elf) == ELFCLASS64 ? 8 : 4;
	const char *end = description + size;
	const char *provider = description + 3 * word;
	uint64_t address = 0;

	if (size < 3 * word || end == provider || end[-1])
		return 0;
	memcpy(&address, description, word);
	const char *name = provider + strlen(provider) + 1;
	const char *arguments = name < end ? name + strlen(name) + 1 : end;
	if (arguments >= end)
		return 0;

	char *full = NULL;
	struct ebs_symbol probe = { .arguments = arguments };
	if (asprintf(&full, "%s:%s", provider, name) < 0)
		return ebs_error_errno(file->error, ENOMEM, "can't read \"%s\"", file->path);
	probe.name = full;
	int result =
		find_offset(file, address, &probe.offset) ? file->visit(file->context, &probe) : 0;
	free(full);
	return result;
}

static int visit_notes(struct file *file, Elf_Scn *section)
{
	Elf_Data *data = elf_getdata(section, NULL);
	size_t name, description;
	GElf_Nhdr note;
	size_t place = 0;
	int result = 0;

	while (data && !result &&
	       (place = gelf_getnote(data, place, &note, &name, &description)) > 0) {
		const char *bytes = data->d_buf;

		if (note.n_type == USDT_TYPE && note.n_namesz == sizeof(USDT_OWNER) &&
		    memcmp(bytes + name, USDT_OWNER, sizeof(USDT_OWNER)) == 0)
			result = visit_note(file, bytes + description, note.n_descsz);
	}
	return result;
}

static int visit_usdt(struct file *file)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	size_t names;
	int result = 0;

	if (elf_getshdrstrndx(file->elf, &names))
		return refuse(file, "has no sections");
	while (!result && (section = elf_nextscn(file->elf, section))) {
		if (!gelf_getshdr(section, &header) || header.sh_type != SHT_NOTE)
			continue;
		const char *name = elf_strptr(file->elf, names, header.sh_name);
		if (name && strcmp(name, USDT_SECTION) == 0)
			result = visit_notes(file, section);
	}
	return result;
}

static int visit_file(const char *path, int (*visit_all)(struct file *file),
		      ebs_symbol_visit *visit, void *context, struct ebs_error *error)
{
	struct file file = { path, -1, NULL, visit, context, error };
	int result = open_file(&file);

	if (!result)
		result = visit_all(&file);
	close_file(&file);
	return result;
}

int ebs_functions_visit(const char *path, ebs_symbol_visit *visit, void *context,
			struct ebs_error *error)
{
	return visit_file(path, visit_functions, visit, context, error);
}

int ebs_usdt_visit(const char *path, ebs_symbol_visit *visit, void *context,
		   struct ebs_error *error)
{
	return visit_file(path, visit_usdt, visit, context, error);
}
