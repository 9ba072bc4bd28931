// SPDX-License-Identifier: GPL-2.0-only
// The functions of executables and libraries: symbol tables, and the versions of symbols.
#include "binary/symbols.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "binary/file_private.h"

#define VERSIONS 0x8000 // that an index can name
#define HIDDEN   0x8000 // in the index: no default

struct tables {
	struct ebs_binary *binary;       // whose segments tell where the bytes are
	const struct ebs_binary *source; // whose tables are read
	const char **versions;           // by index, or NULL
	Elf_Data *version_of;            // each dynamic symbol's index into them, or NULL
	size_t version_table;            // the section that those belong to
	ebs_symbol_visit *visit;
	void *context;
};

// Names the versions that the file defines.
// https://refspecs.linuxfoundation.org/LSB_5.0.0/LSB-Core-generic/LSB-Core-generic/symversion.html
static void read_definitions(struct tables *tables, Elf_Scn *section, const GElf_Shdr *header)
{
	Elf_Data *data = elf_getdata(section, NULL);
	GElf_Verdef definition;
	GElf_Verdaux name;
	size_t place = 0;

	tables->versions = data ? calloc(VERSIONS, sizeof(*tables->versions)) : NULL;
	for (size_t left = VERSIONS; tables->versions && left; left--) {
		if (place > INT32_MAX || !gelf_getverdef(data, (int)place, &definition))
			return;
		size_t auxiliary = place + definition.vd_aux;
		if (!(definition.vd_flags & VER_FLG_BASE) && auxiliary <= INT32_MAX &&
		    gelf_getverdaux(data, (int)auxiliary, &name))
			tables->versions[definition.vd_ndx % VERSIONS] =
				elf_strptr(tables->source->elf, header->sh_link, name.vda_name);
		if (!definition.vd_next)
			return;
		place += definition.vd_next;
	}
}

static void read_versions(struct tables *tables)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;

	while ((section = elf_nextscn(tables->source->elf, section))) {
		if (!gelf_getshdr(section, &header))
			continue;
		if (header.sh_type == SHT_GNU_verdef && !tables->versions)
			read_definitions(tables, section, &header);
		if (header.sh_type == SHT_GNU_versym && !tables->version_of) {
			tables->version_of = elf_getdata(section, NULL);
			tables->version_table = header.sh_link;
		}
	}
}

static void set_dynamic_version(const struct tables *tables, size_t index,
				struct ebs_symbol *symbol)
{
	GElf_Versym version;

	if (!tables->version_of || !tables->versions ||
	    !gelf_getversym(tables->version_of, (int)index, &version))
		return;
	symbol->version = tables->versions[version % VERSIONS];
	symbol->is_default = symbol->version && !(version & HIDDEN);
}

// Other tables have the version in the name: "memcpy@@GLIBC_2.14" is the default, "memcpy@..."
// isn't. Returns the copy that the parts lie in, NULL: there is no version.
static char *take_written_version(struct ebs_symbol *symbol)
{
	const char *at = symbol->version ? NULL : strchr(symbol->name + 1, '@');
	char *copy = at ? strdup(symbol->name) : NULL;
	if (!copy)
		return NULL;
	char *version = copy + (at - symbol->name);

	*version++ = '\0';
	symbol->is_default = *version == '@';
	symbol->version = version + symbol->is_default;
	symbol->name = copy;
	return copy;
}

static int visit_symbol(const struct tables *tables, const char *name, const GElf_Sym *entry,
			struct ebs_symbol *symbol)
{
	int type = GELF_ST_TYPE(entry->st_info);

	if ((type != STT_FUNC && type != STT_GNU_IFUNC) || entry->st_shndx == SHN_UNDEF || !name ||
	    !*name || !ebs_binary_offset(tables->binary, entry->st_value, &symbol->offset))
		return 0;
	symbol->name = name;
	symbol->is_resolver = type == STT_GNU_IFUNC;
	char *copy = take_written_version(symbol);
	int result = tables->visit(tables->context, symbol);
	free(copy);
	return result;
}

static int visit_table(const struct tables *tables, Elf_Scn *section, const GElf_Shdr *header)
{
	Elf_Data *data = elf_getdata(section, NULL);
	bool is_versioned = tables->version_table == elf_ndxscn(section);
	size_t count = header->sh_entsize ? header->sh_size / header->sh_entsize : 0;
	int result = 0;

	for (size_t i = 0; data && i < count && i <= INT32_MAX && !result; i++) {
		struct ebs_symbol symbol = { .name = NULL };
		GElf_Sym entry;

		if (!gelf_getsym(data, (int)i, &entry))
			break;
		if (is_versioned)
			set_dynamic_version(tables, i, &symbol);
		result = visit_symbol(
			tables, elf_strptr(tables->source->elf, header->sh_link, entry.st_name),
			&entry, &symbol);
	}
	return result;
}

int ebs_symbols_visit(struct ebs_binary *binary, enum ebs_symbol_tables which,
		      ebs_symbol_visit *visit, void *context)
{
	struct tables tables = {
		.binary = binary,
		.source = which == EBS_TABLES_OWN ? binary : ebs_binary_debug(binary),
		.visit = visit,
		.context = context,
	};
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	int result = 0;

	if (!tables.source)
		return 0;
	read_versions(&tables);
	while (!result && (section = elf_nextscn(tables.source->elf, section)))
		if (gelf_getshdr(section, &header) &&
		    (header.sh_type == SHT_SYMTAB || header.sh_type == SHT_DYNSYM))
			result = visit_table(&tables, section, &header);
	free(tables.versions);
	return result;
}

int ebs_functions_visit(const char *path, ebs_symbol_visit *visit, void *context,
			struct ebs_error *error)
{
	struct ebs_binary *binary = ebs_binary_open(path, error);
	if (!binary)
		return -EINVAL;
	int result = ebs_symbols_visit(binary, EBS_TABLES_OWN, visit, context);

	if (!result)
		result = ebs_symbols_visit(binary, EBS_TABLES_DEBUG, visit, context);
	ebs_binary_close(binary);
	return result;
}
