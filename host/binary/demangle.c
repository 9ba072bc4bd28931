// SPDX-License-Identifier: GPL-2.0-only
// Names of C++, Rust and D as their sources have them, by libiberty.
#include "binary/demangle.h"

#include <ctype.h>
#include <libiberty/demangle.h>
#include <stdlib.h>
#include <string.h>

#define HASH "::h" // and 16 digits: the end of Rust's older names
#define LONG 8192  // more is no name that anybody writes, and costs time

char *ebs_demangle(const char *symbol, enum ebs_name_form form)
{
	static const int options[EBS_NAME_FORMS] = {
		[EBS_NAME_WHOLE] = DMGL_AUTO | DMGL_ANSI | DMGL_PARAMS,
		[EBS_NAME_NO_RESULT] = DMGL_AUTO | DMGL_ANSI | DMGL_PARAMS | DMGL_RET_DROP,
		[EBS_NAME_SHORT] = DMGL_AUTO | DMGL_ANSI,
	};

	// All schemes that there are begin so. What isn't of one has no other name.
	return symbol[0] == '_' && symbol[1] && strchr("ZRD", symbol[1]) &&
			       strnlen(symbol, LONG) < LONG
		       ? cplus_demangle(symbol, options[form])
		       : NULL;
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static void drop_hash(char *name)
{
	size_t length = strlen(name);
	char *hash = length > 19 ? name + length - 19 : NULL;

	if (hash && strncmp(hash, HASH, strlen(HASH)) == 0 &&
	    strspn(hash + strlen(HASH), "0123456789abcdef") == 16)
		*hash = '\0';
}

void ebs_name_normalize(char *name)
{
	char *out = name;

	drop_hash(name);
	for (const char *in = name; *in; in++) {
		const char *tag_end = strncmp(in, "[abi:", 5) ? NULL : strchr(in, ']');

		if (tag_end)
			in = tag_end;
		else if (*in != ' ' || (out > name && is_word(out[-1]) && is_word(in[1])))
			*out++ = *in;
	}
	*out = '\0';
}
