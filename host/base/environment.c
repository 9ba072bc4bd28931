// SPDX-License-Identifier: GPL-2.0-only
// The environment variables that the program reads, in one table.
#include "base/environment.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum rule {
	HARMLESS, // it decides how something looks
	NOT_ROOT, // it decides what is read or run: root's own is fixed
	REMOVED,  // no library may see it
};

// `reader`: "ebscript", or the library that asks by itself.
static const struct variable {
	const char *name;
	enum rule rule;
	const char *reader;
} variables[] = {
	// clang-format off
	{ "HOME",             NOT_ROOT, "ebscript" }, // the cache
	{ "XDG_CACHE_HOME",   NOT_ROOT, "ebscript" }, // the cache
	{ "PATH",             NOT_ROOT, "ebscript" }, // executables to attach to, and commands
	{ "LD_LIBRARY_PATH",  NOT_ROOT, "ebscript" }, // libraries to attach to
	{ "LUA_PATH",         NOT_ROOT, "Lua" },
	{ "LUA_PATH_5_4",     NOT_ROOT, "Lua" },
	{ "LUA_CPATH",        NOT_ROOT, "Lua" },
	{ "LUA_CPATH_5_4",    NOT_ROOT, "Lua" },
	{ "POSIXLY_CORRECT",  HARMLESS, "C library" }, // getopt
	{ "TZ",               HARMLESS, "C library" },
	{ "TZDIR",            NOT_ROOT, "C library" },
	{ "DEBUGINFOD_URLS",  REMOVED,  "libelf" },  // debug information comes from no network
	{ "LIBBPF_LOG_LEVEL", REMOVED,  "libbpf" },  // -v is the switch
	{ "LIBBPF_BPF_TOKEN_PATH", REMOVED, "libbpf" }, // a token of somebody else's
	{ "UV_USE_IO_URING",  REMOVED,  "libuv" },
	// clang-format on
};

#define COUNT (sizeof(variables) / sizeof(variables[0]))

static bool began_foreign; // who gives up being root keeps root's rules

bool ebs_environment_is_foreign(void)
{
	return began_foreign || geteuid() == 0 || geteuid() != getuid() || getegid() != getgid();
}

void ebs_environment_init(void)
{
	bool foreign = began_foreign = ebs_environment_is_foreign();

	for (size_t i = 0; i < COUNT; i++) {
		const struct variable *variable = &variables[i];

		if (variable->rule == REMOVED ||
		    (variable->rule == NOT_ROOT && foreign && strcmp(variable->reader, "ebscript")))
			unsetenv(variable->name);
	}
	if (foreign)
		setenv("PATH", EBS_STANDARD_PATH, true);
}

char *const *ebs_environment_for_child(void)
{
	return environ;
}

const char *ebs_environment_get(const char *name)
{
	for (size_t i = 0; i < COUNT; i++)
		if (strcmp(variables[i].name, name) == 0)
			return variables[i].rule == HARMLESS || (variables[i].rule == NOT_ROOT &&
								 !ebs_environment_is_foreign())
				       ? getenv(name)
				       : NULL;
	return NULL;
}
