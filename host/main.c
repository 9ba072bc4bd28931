// SPDX-License-Identifier: GPL-2.0-only
// The program ebscript: options, one script, its exit status.
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "script/script.h"

#define WRONG_USAGE 2

static const char usage[] =
	"usage: ebscript [options] SCRIPT [ARGUMENTS]\n"
	"       ebscript [options] -e CHUNK [ARGUMENTS]\n";

static const char help[] =
	"\n"
	"Runs a Lua script that loads BPF programs written in C.\n"
	"\n"
	"SCRIPT is a path, - for standard input, or the name of a script that ebscript comes with\n"
	"(execsnoop.lua, pktcount.lua, bashreadline.lua, hello.lua). What stands behind it is its own:\n"
	"`ebscript execsnoop.lua --help` tells the script's options.\n"
	"\n"
	"  -e CHUNK    run this Lua text instead of a script\n"
	"  --json      rows as JSON, an object a line, in every script that prints rows\n"
	"  -v          also tell what libbpf and the compiler say, on standard error\n"
	"  --version   the versions of ebscript and of what it runs on\n"
	"  -h, --help  this text\n"
	"\n"
	"Exit status: 0, 1 for a failed script, 2 for wrong usage.\n";

static int refuse(void)
{
	fputs(usage, stderr);
	fputs("Try 'ebscript --help'.\n", stderr);
	return WRONG_USAGE;
}

int main(int argc, char **argv)
{
	enum { JSON = 256, VERSION };
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "json", no_argument, NULL, JSON },
		{ "verbose", no_argument, NULL, 'v' },
		{ "version", no_argument, NULL, VERSION },
		{ NULL, 0, NULL, 0 },
	};
	struct ebs_script_options script = { .program = argv[0] };
	int option;

	while ((option = getopt_long(argc, argv, "+e:hv", options, NULL)) != -1) {
		switch (option) {
		case 'e':
			script.chunk = optarg;
			break;
		case 'h':
			printf("%s%s", usage, help);
			return 0;
		case 'v':
			script.verbose = true;
			break;
		case JSON:
			script.json = true;
			break;
		case VERSION:
			printf("ebscript %s\n", EBS_VERSION);
			ebs_script_print_versions();
			return 0;
		default:
			return refuse();
		}
	}
	if (!script.chunk) {
		if (optind == argc) {
			fputs("ebscript: no script was given\n", stderr);
			return refuse();
		}
		script.script = argv[optind++];
	}
	script.arguments = argv + optind;
	script.argument_count = argc - optind;
	return ebs_script_run(&script);
}
