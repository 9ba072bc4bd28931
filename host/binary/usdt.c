// SPDX-License-Identifier: GPL-2.0-only
// The USDT probes of executables and libraries: notes, one for each place of a probe.
// https://sourceware.org/systemtap/wiki/UserSpaceProbeImplementation
#include "binary/usdt.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/near.h"
#include "binary/file_private.h"

#define SECTION ".note.stapsdt"
#define OWNER   "stapsdt"
#define TYPE    3 // of the note: the only one that there is

struct visitor {
	struct ebs_binary *binary;
	ebs_usdt_visit_function *visit;
	void *context;
};

// A note's description: three addresses (the probe, a base, the semaphore), then provider, name and
// arguments, each with a NUL.
static int visit_note(const struct visitor *visitor, struct ebs_bytes note)
{
	size_t word = gelf_getclass(visitor->binary->elf) == ELFCLASS64 ? 8 : 4;
	const char *provider = ebs_bytes_take(&note, 3 * word, NULL) ? ebs_bytes_text(&note) : NULL;
	const char *name = provider ? ebs_bytes_text(&note) : NULL;
	const char *arguments = name ? ebs_bytes_text(&note) : NULL;
	if (!arguments)
		return 0;

	char *full = NULL;
	if (asprintf(&full, "%s:%s", provider, name) < 0)
		return -ENOMEM;
	struct ebs_usdt probe = { .name = full, .arguments = arguments };
	int result = visitor->visit(visitor->context, &probe);
	free(full);
	return result;
}

int ebs_usdt_visit(struct ebs_binary *binary, ebs_usdt_visit_function *visit, void *context)
{
	struct visitor visitor = { binary, visit, context };
	GElf_Shdr header;
	Elf_Scn *section = ebs_binary_section(binary, SECTION, &header);
	Elf_Data *data = section ? elf_getdata(section, NULL) : NULL;
	size_t name, description, place = 0;
	GElf_Nhdr note;
	int result = 0;

	while (data && !result &&
	       (place = gelf_getnote(data, place, &note, &name, &description)) > 0) {
		const char *bytes = data->d_buf;

		if (note.n_type == TYPE && note.n_namesz == sizeof(OWNER) &&
		    memcmp(bytes + name, OWNER, sizeof(OWNER)) == 0)
			result = visit_note(&visitor,
					    ebs_bytes_of(bytes + description, note.n_descsz));
	}
	return result;
}

struct search {
	char *wanted;
	struct ebs_near near;
	unsigned others;
	struct ebs_buffer *odd;
};

static int compare(void *context, const struct ebs_usdt *probe)
{
	struct search *search = context;

	search->others++;
	ebs_near_offer(&search->near, probe->name);
	return strcmp(probe->name, search->wanted) == 0;
}

int ebs_usdt_find(struct ebs_binary *binary, const char *provider, const char *name,
		  struct ebs_error *error)
{
	struct search search = { .others = 0 };
	const char *file = ebs_binary_name(binary);

	if (asprintf(&search.wanted, "%s:%s", provider, name) < 0)
		return ebs_error_errno(error, ENOMEM, "can't read \"%s\"", file);
	ebs_near_begin(&search.near, search.wanted, strlen(search.wanted));
	int result = ebs_usdt_visit(binary, compare, &search);
	if (result > 0)
		result = 0;
	else if (result < 0)
		ebs_error_errno(error, result, "can't read \"%s\"", file);
	else if (!search.others)
		result = ebs_error_explain(error, ENOENT,
					   "%s has no USDT probe %s: it has none at all", file,
					   search.wanted);
	else
		result = ebs_error_explain(error, ENOENT, "%s has no USDT probe %s%s", file,
					   search.wanted, ebs_near_text(&search.near));
	free(search.wanted);
	return result;
}

static bool is_register(const char *name)
{
	static const char names[] =
		" rip eip rax eax ax al rbx ebx bx bl rcx ecx cx cl rdx edx dx dl rsi esi si sil "
		"rdi edi di dil rbp ebp bp bpl rsp esp sp spl ah bh ch dh ";
	char word[16];
	int number, end = 0;

	snprintf(word, sizeof(word), " %s ", name);
	if (strstr(names, word))
		return true;
	sscanf(name, "r%d%n", &number, &end);
	return end && number >= 8 && number <= 15 && strlen(name + end) <= 1 &&
	       strspn(name + end, "bwd") == strlen(name + end);
}

// SIZE@$CONSTANT, SIZE@%REGISTER, SIZE@OFFSET(%REGISTER).
static bool is_plain(const char *argument)
{
	char name[16] = "";
	int size, end = 0;
	long number;

	if (sscanf(argument, "%d@$%ld%n", &size, &number, &end) == 2 && !argument[end])
		return true;
	end = 0;
	if ((sscanf(argument, "%d@%ld(%%%15[a-z0-9])%n", &size, &number, name, &end) == 3 ||
	     sscanf(argument, "%d@(%%%15[a-z0-9])%n", &size, name, &end) == 2 ||
	     sscanf(argument, "%d@%%%15[a-z0-9]%n", &size, name, &end) == 2) &&
	    end && !argument[end])
		return is_register(name) &&
		       (abs(size) == 1 || abs(size) == 2 || abs(size) == 4 || abs(size) == 8);
	return false;
}

static int look_for_odd(void *context, const struct ebs_usdt *probe)
{
	struct search *search = context;
	char *copy = strcmp(probe->name, search->wanted) ? NULL : strdup(probe->arguments);
	char *rest = copy, *argument;

	while (rest && !search->odd->size && (argument = strsep(&rest, " ")))
		if (*argument && !is_plain(argument))
			ebs_buffer_append_string(search->odd, argument);
	free(copy);
	return search->odd->size > 0;
}

void ebs_usdt_odd_argument(struct ebs_binary *binary, const char *provider, const char *name,
			   struct ebs_buffer *argument)
{
	struct search search = { .odd = argument };

#if defined(__x86_64__)
	if (asprintf(&search.wanted, "%s:%s", provider, name) < 0)
		return;
	ebs_usdt_visit(binary, look_for_odd, &search);
	free(search.wanted);
#else
	(void)search; // how arguments are written is another matter on each machine
#endif
}
