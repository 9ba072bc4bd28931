// SPDX-License-Identifier: GPL-2.0-only
// Macros that BPF C needs and BTF has not.
#include "types/constants.h"

#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "types/tokens.h"

// Errnos that never leave the kernel, from include/linux/errno.h; headers for programs lack them.
static const struct ebs_macro inner[] = {
	{ "ERESTARTSYS", 512 }, { "ERESTARTNOINTR", 513 }, { "ERESTARTNOHAND", 514 },
	{ "ENOIOCTLCMD", 515 }, { "EPROBE_DEFER", 517 },   { "EOPENSTALE", 518 },
	{ "ENOTSUPP", 524 },
};

// Questions about a file's mode, and the type of each.
static const struct ebs_macro modes[] = {
	{ "S_ISBLK", S_IFBLK },   { "S_ISCHR", S_IFCHR }, { "S_ISDIR", S_IFDIR },
	{ "S_ISFIFO", S_IFIFO },  { "S_ISLNK", S_IFLNK }, { "S_ISREG", S_IFREG },
	{ "S_ISSOCK", S_IFSOCK },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool is_wanted(const struct ebs_names *names, const char *name)
{
	const struct ebs_name *found = ebs_names_find(names, name);

	return found && found->flags & EBS_NAME_USED &&
	       !(found->flags & (EBS_NAME_OWN | EBS_NAME_MACRO));
}

// In the type that the headers' own digits have: int, else unsigned, else 64 bits.
static void write_number(const struct ebs_macro *row, struct ebs_buffer *out)
{
	if (row->value < 0)
		ebs_buffer_printf(out, "#define %s (%lld)\n", row->name, row->value);
	else if (row->value <= INT_MAX)
		ebs_buffer_printf(out, "#define %s %lld\n", row->name, row->value);
	else
		ebs_buffer_printf(out, "#define %s 0x%llx%s\n", row->name, row->value,
				  row->value > UINT_MAX ? "ULL" : "U");
}

static void write_numbers(const struct ebs_names *names, const struct ebs_macro *rows, size_t count,
			  struct ebs_buffer *out)
{
	for (size_t i = 0; i < count; i++)
		if (is_wanted(names, rows[i].name))
			write_number(&rows[i], out);
}

void ebs_constants_write(const struct ebs_names *names, struct ebs_buffer *out)
{
	write_numbers(names, ebs_macro_rows, ebs_macro_row_count, out);
	write_numbers(names, inner, COUNT(inner), out);
	for (size_t i = 0; i < COUNT(modes); i++)
		if (is_wanted(names, modes[i].name))
			ebs_buffer_printf(out, "#define %s(mode) (((mode) & 0%o) == 0%llo)\n",
					  modes[i].name, S_IFMT, modes[i].value);
}
