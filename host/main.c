// SPDX-License-Identifier: GPL-2.0-only
// The program ebscript: options, one script, its exit status.
#include <errno.h>
#include <getopt.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/environment.h"
#include "base/file.h"
#include "base/signals.h"
#include "script/script.h"

#define WRONG_USAGE 2

static const char usage[] = "usage: ebscript [options] SCRIPT [ARGUMENTS]\n"
			    "       ebscript [options] -e CHUNK [ARGUMENTS]\n"
			    "       ebscript -l [-v] [PATTERN]\n";

static const char help[] =
	"\n"
	"Runs a Lua script that loads BPF programs written in C.\n"
	"\n"
	"SCRIPT is a path, - for standard input, or the name of a script that ebscript comes with\n"
	"(execsnoop.lua, pktcount.lua, bashreadline.lua, hello.lua). What stands behind it is its "
	"own:\n"
	"`ebscript execsnoop.lua --help` tells the script's options.\n"
	"\n"
	"  -e CHUNK         run this Lua text instead of a script\n"
	"  --json           rows as JSON, an object a line, in every script that prints rows\n"
	"  --buffer-size N  the size of every ring and perf buffer, in bytes, or with K or M\n"
	"  --drop-caps      once the script waits for events, be a user of its own without any\n"
	"                   capability, that can write no file\n"
	"\n"
	"  -I DIR           also look for headers of the C in DIR; may be given more than once\n"
	"\n"
	"  --check          compile and load, so that the verifier has seen it; attach nothing\n"
	"  --emit c         print the C of the script's first bpf.load() as it is compiled\n"
	"  --emit obj=FILE  write what it compiles to, an ELF object\n"
	"  --verifier-log FILE\n"
	"                   write what the kernel's verifier says of each program that it refuses\n"
	"  --printk         print what programs print with bpf_printk(), on standard error\n"
	"  --stats          at the end, tell where the time of the start went\n"
	"  -v, --verbose    also tell what libbpf and the compiler say, on standard error\n"
	"\n"
	"  --no-cache       neither read nor write compiled objects\n"
	"  --cache-dir DIR  keep compiled objects in DIR\n"
	"  --cache-clear    remove the compiled objects, and end\n"
	"\n"
	"  -l [PATTERN]     list what programs can be attached to, and end: KIND:GLOB, as in\n"
	"                   'tracepoint:sched:*', 'kprobe:vfs_*', 'uprobe:/bin/bash:read*';\n"
	"                   with -v, what arguments it has\n"
	"  --info           tell what this kernel, your privileges and this build can do\n"
	"  --version        the versions of ebscript and of what it runs on\n"
	"  -h, --help       this text\n"
	"\n"
	"Exit status: 0, 1 for a failed script, 2 for wrong usage.\n";

static int refuse(const char *reason)
{
	if (reason)
		fprintf(stderr, "ebscript: %s\n", reason);
	fputs(usage, stderr);
	fputs("Try 'ebscript --help'.\n", stderr);
	return WRONG_USAGE;
}

// What no script has written is to arrive, too.
static int finish(int status)
{
	if (!fflush(stdout) && !ferror(stdout))
		return status;
	fprintf(stderr, "ebscript: can't write to standard output: %s\n", strerror(errno));
	return 1;
}

// "4096", "64K", "4M"; 0 when it is nothing of that.
static uint64_t parse_size(const char *text)
{
	char *end;
	uint64_t number = strtoull(text, &end, 10);
	unsigned shift = *end == 'K' ? 10 : *end == 'M' ? 20 : 0;

	if (*text < '0' || *text > '9' || end[shift ? 1 : 0] ||
	    number > EBS_MAX_BUFFER_SIZE >> shift)
		return 0;
	return number << shift;
}

int main(int argc, char **argv)
{
	enum {
		JSON = 256,
		VERSION,
		CHECK,
		EMIT,
		STATS,
		PRINTK,
		NO_CACHE,
		CACHE_DIR,
		CACHE_CLEAR,
		DROP_CAPS,
		BUFFER_SIZE,
		INFO,
		VERIFIER_LOG,
	};
	static const struct option options[] = {
		{ "buffer-size", required_argument, NULL, BUFFER_SIZE },
		{ "cache-clear", no_argument, NULL, CACHE_CLEAR },
		{ "cache-dir", required_argument, NULL, CACHE_DIR },
		{ "check", no_argument, NULL, CHECK },
		{ "drop-caps", no_argument, NULL, DROP_CAPS },
		{ "emit", required_argument, NULL, EMIT },
		{ "help", no_argument, NULL, 'h' },
		{ "info", no_argument, NULL, INFO },
		{ "json", no_argument, NULL, JSON },
		{ "no-cache", no_argument, NULL, NO_CACHE },
		{ "printk", no_argument, NULL, PRINTK },
		{ "stats", no_argument, NULL, STATS },
		{ "verbose", no_argument, NULL, 'v' },
		{ "verifier-log", required_argument, NULL, VERIFIER_LOG },
		{ "version", no_argument, NULL, VERSION },
		{ NULL, 0, NULL, 0 },
	};
	static char name[] = "ebscript";
	struct ebs_script_options script = { .program = argv[0] };
	bool clear_cache = false;
	bool list = false;
	bool info = false;
	int option;

	// One more for the NULL than there can be options. Static: each way to the end has it, so that
	// no return has to free it.
	static char **include_dirs;
	include_dirs = calloc(argc + 1, sizeof(*include_dirs));
	int include_count = 0;
	struct stat status;
	if (!include_dirs) {
		fputs("ebscript: not enough memory\n", stderr);
		return 1;
	}
	script.include_dirs = include_dirs;
	int unopened = ebs_open_standard_files();
	if (unopened) {
		fprintf(stderr,
			"ebscript: can't open /dev/null, which is needed for a standard "
			"input or output that is closed: %s\n",
			strerror(-unopened));
		return 1;
	}
	ebs_environment_init();
	ebs_signals_settle();
	argv[0] = name; // in getopt's messages, as in all others
	while ((option = getopt_long(argc, argv, "+e:hlvI:", options, NULL)) != -1) {
		switch (option) {
		case 'e':
			script.chunk = optarg;
			break;
		case 'I':
			if (stat(optarg, &status) || !S_ISDIR(status.st_mode)) {
				fprintf(stderr, "ebscript: -I: there is no folder \"%s\"\n",
					optarg);
				return WRONG_USAGE;
			}
			include_dirs[include_count++] = optarg;
			break;
		case 'h':
			printf("%s%s", usage, help);
			return finish(0);
		case 'l':
			list = true;
			break;
		case 'v':
			script.verbose = true;
			break;
		case JSON:
			script.json = true;
			break;
		case CHECK:
			script.check = true;
			break;
		case EMIT:
			if (strcmp(optarg, "c") == 0)
				script.emit_c = true;
			else if (strncmp(optarg, "obj=", 4) == 0 && optarg[4])
				script.emit_object = optarg + 4;
			else
				return refuse("--emit takes c or obj=FILE");
			break;
		case INFO:
			info = true;
			break;
		case DROP_CAPS:
			script.drop_capabilities = true;
			break;
		case PRINTK:
			script.printk = true;
			break;
		case STATS:
			script.stats = true;
			break;
		case NO_CACHE:
			script.no_cache = true;
			break;
		case CACHE_DIR:
			if (!*optarg)
				return refuse("--cache-dir takes a folder");
			script.cache_dir = optarg;
			break;
		case BUFFER_SIZE:
			script.buffer_size = parse_size(optarg);
			if (!script.buffer_size)
				return refuse("--buffer-size takes bytes, from 1 to 2048M: 65536, "
					      "64K or 4M");
			break;
		case VERIFIER_LOG:
			script.verifier_log = optarg;
			break;
		case CACHE_CLEAR:
			clear_cache = true;
			break;
		case VERSION:
			printf("ebscript %s\n", EBS_VERSION);
			ebs_script_print_versions();
			return finish(0);
		default:
			return refuse(NULL);
		}
	}
	if (info) {
		ebs_script_print_info(script.cache_dir);
		return finish(0);
	}
	if (list && argc - optind > 1)
		return refuse("-l takes one pattern; put it in quotes");
	if (list)
		return finish(ebs_script_list_probes(argv[optind], script.verbose));
	if (clear_cache)
		return finish(ebs_script_clear_cache(script.cache_dir));
	if (!script.chunk) {
		if (optind == argc)
			return refuse("no script was given");
		script.script = argv[optind++];
		if (!*script.script)
			return refuse("the script's name is empty");
	}
	script.arguments = argv + optind;
	script.argument_count = argc - optind;
	return ebs_script_run(&script);
}
