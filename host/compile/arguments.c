// SPDX-License-Identifier: GPL-2.0-only
// The compiler's command line, and the files that it is to find in memory.
#include "compile/arguments.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// Where the kernel's types pretend to be: a folder that nobody else can put a file into, and beside
// what they are made from.
#define KERNEL_TYPES_FOLDER "/sys/kernel/btf"
// The same for headers that take the place of the machine's.
#define HOST_FOLDER "/sys/kernel/btf/host"

#if defined(__x86_64__) || defined(__i386__)
#define TARGET_ARCH "__TARGET_ARCH_x86"
#elif defined(__aarch64__)
#define TARGET_ARCH "__TARGET_ARCH_arm64"
#elif defined(__arm__)
#define TARGET_ARCH "__TARGET_ARCH_arm"
#elif defined(__s390x__)
#define TARGET_ARCH "__TARGET_ARCH_s390"
#elif defined(__powerpc__)
#define TARGET_ARCH "__TARGET_ARCH_powerpc"
#elif defined(__riscv)
#define TARGET_ARCH "__TARGET_ARCH_riscv"
#elif defined(__loongarch__)
#define TARGET_ARCH "__TARGET_ARCH_loongarch"
#elif defined(__mips__)
#define TARGET_ARCH "__TARGET_ARCH_mips"
#else
#error "unknown architecture: what does libbpf's bpf_tracing.h call it?"
#endif

// The same for every compile. Without "-dwarf-version", as the module leaves DWARF away.
static const char *const constant_arguments[] = {
	// clang-format off
	"-triple", "bpf",
	"-emit-obj", "-O2", "-x", "c", "-fgnuc-version=4.2.1",
	"-mrelocation-model", "static", "-mframe-pointer=all",
	"-debug-info-kind=constructor",     // BTF is made from it
	"-gembed-source",                   // source lines for BTF from memory, not from the disk
	"-fdebug-compilation-dir=.",        // the same object wherever it is compiled
	"-disable-llvm-verifier", "-discard-value-names",
	"-clear-ast-before-backend", "-disable-free",
	"-ferror-limit", "20",
	"-fms-extensions", "-Wno-microsoft-anon-tag", // `struct base;` as a member
	"-Wall",
	"-Wno-unused-function",             // helpers that a snippet copies along
	"-Wno-pointer-sign",                // u8[] where a helper wants char *: the kernel's habit
	"-Wno-address-of-packed-member",    // CO-RE reads members through their address
	"-Wno-compare-distinct-pointer-types", // void *data_end, as in every packet parser
	"-nostdsysteminc", "-nobuiltininc",
	"-D", TARGET_ARCH,
	// clang-format on
};

static const char *const system_folders[] = {
	HOST_FOLDER, EBS_CLANG_HEADERS, "/usr/include/" EBS_MULTIARCH, "/usr/include", NULL,
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

const char *const *ebs_compile_system_folders(void)
{
	return system_folders;
}

static size_t length(const char *const *list)
{
	size_t count = 0;

	while (list && list[count])
		count++;
	return count;
}

static void add(struct ebs_arguments *arguments, const char *argument)
{
	arguments->list[arguments->count++] = argument;
}

static void add_option(struct ebs_arguments *arguments, const char *option, const char *value)
{
	add(arguments, option);
	add(arguments, value);
}

static void add_options(struct ebs_arguments *arguments, const char *option,
			const char *const *values, size_t count)
{
	for (size_t i = 0; i < count; i++)
		add_option(arguments, option, values[i]);
}

// Leaves a folder away that isn't there, as clang would.
static void add_folder(struct ebs_arguments *arguments, const char *option, const char *path)
{
	char *absolute = *path != '/'              ? realpath(path, NULL)
			 : access(path, F_OK) == 0 ? strdup(path)
						   : NULL;

	if (!absolute)
		return;
	arguments->folders[arguments->folder_count++] = absolute;
	add_option(arguments, option, absolute);
}

// The registers of x86-64 by the names of <asm/ptrace.h>, and by those of the kernel's own types:
// the macros of <bpf/bpf_tracing.h> use these beside "vmlinux.h". The layout is the same.
#ifdef __x86_64__
static const char x86_ptrace[] =
	"#ifndef EBS_ASM_PTRACE_H\n"
	"#define EBS_ASM_PTRACE_H\n"
	"#define pt_regs ebs_machine_pt_regs\n"
	"#include_next <asm/ptrace.h>\n"
	"#undef pt_regs\n"
	"#define EBS_BOTH(a, b) union { unsigned long a, b; }\n"
	"struct pt_regs {\n"
	"	unsigned long r15, r14, r13, r12;\n"
	"	EBS_BOTH(rbp, bp); EBS_BOTH(rbx, bx);\n"
	"	unsigned long r11, r10, r9, r8;\n"
	"	EBS_BOTH(rax, ax); EBS_BOTH(rcx, cx); EBS_BOTH(rdx, dx);\n"
	"	EBS_BOTH(rsi, si); EBS_BOTH(rdi, di); EBS_BOTH(orig_rax, orig_ax);\n"
	"	EBS_BOTH(rip, ip); unsigned long cs;\n"
	"	EBS_BOTH(eflags, flags); EBS_BOTH(rsp, sp); unsigned long ss;\n"
	"};\n"
	"#undef EBS_BOTH\n"
	"#endif\n";
#endif

// What headers of the machine take for granted of a compiler for it, and of no other: libc's list
// of functions that it lacks, which for a target it doesn't know is that of another package; and
// that a long has 64 bits.
static void add_files(struct ebs_arguments *arguments)
{
	static const struct {
		const char *path;
		const char *text;
	} files[] = {
		{ HOST_FOLDER "/gnu/stubs.h", "" },
		{ HOST_FOLDER "/bits/wordsize.h",
		  "#define __WORDSIZE 64\n#define __WORDSIZE_TIME64_COMPAT32 0\n" },
		{ HOST_FOLDER "/asm/bitsperlong.h",
		  "#define __BITS_PER_LONG 64\n#include <asm-generic/bitsperlong.h>\n" },
#ifdef __x86_64__
		{ HOST_FOLDER "/asm/ptrace.h", x86_ptrace },
#endif
	};

	for (size_t i = 0; i < COUNT(files); i++)
		arguments->files[arguments->file_count++] = (struct ebs_clang_file){
			.path = files[i].path,
			.data = files[i].text,
			.size = strlen(files[i].text),
		};
}

void ebs_arguments_free(struct ebs_arguments *arguments)
{
	for (size_t i = 0; i < arguments->folder_count; i++)
		free(arguments->folders[i]);
	free(arguments->folders);
	free(arguments->list);
	free(arguments->main_path);
	*arguments = (struct ebs_arguments){ 0 };
}

int ebs_arguments_compose(struct ebs_arguments *arguments, const struct ebs_compile_input *input)
{
	size_t defines = length(input->defines);
	size_t include_dirs = length(input->include_dirs);
	size_t most = COUNT(constant_arguments) +
		      2 * (defines + include_dirs + COUNT(system_folders)) + 12;

	*arguments = (struct ebs_arguments){ 0 };
	arguments->list = calloc(most, sizeof(*arguments->list));
	// clang takes a dash for standard input, and a name that begins with one for an option.
	if (asprintf(&arguments->main_path, "%s%s", input->name[0] == '-' ? "./" : "",
		     input->name) < 0)
		arguments->main_path = NULL;
	arguments->folders = calloc(include_dirs + 1, sizeof(*arguments->folders));
	if (!arguments->list || !arguments->main_path || !arguments->folders) {
		ebs_arguments_free(arguments);
		return -ENOMEM;
	}

	for (size_t i = 0; i < COUNT(constant_arguments); i++)
		add(arguments, constant_arguments[i]);
	add_option(arguments, "-target-cpu", input->cpu ? input->cpu : "v3");
	add_options(arguments, "-D", input->defines, defines);
	if (input->directory)
		add_folder(arguments, "-iquote", input->directory);
	for (size_t i = 0; i < include_dirs; i++)
		add_folder(arguments, "-I", input->include_dirs[i]);
	if (input->kernel_types) {
		add_option(arguments, "-isystem", KERNEL_TYPES_FOLDER);
		arguments->files[arguments->file_count++] = (struct ebs_clang_file){
			.path = KERNEL_TYPES_FOLDER "/vmlinux.h",
			.data = input->kernel_types,
			.size = input->kernel_types_size,
			.hides_others = true,
		};
	}
	add_files(arguments);
	add_options(arguments, "-idirafter", system_folders, length(system_folders));
	add_option(arguments, "-main-file-name", arguments->main_path);
	add(arguments, arguments->main_path);
	arguments->files[arguments->file_count++] = (struct ebs_clang_file){
		.path = arguments->main_path,
		.data = input->source,
		.size = input->size,
	};
	return 0;
}

void ebs_arguments_print(const struct ebs_arguments *arguments, struct ebs_buffer *out)
{
	ebs_buffer_append_string(out, "clang -cc1");
	for (size_t i = 0; i < arguments->count; i++) {
		ebs_buffer_append_char(out, ' ');
		ebs_buffer_append_string(out, arguments->list[i]);
	}
	ebs_buffer_append_char(out, '\n');
}

void ebs_arguments_print_folders(const struct ebs_arguments *arguments, struct ebs_buffer *out)
{
	static const char *const options[] = { "-iquote", "-I", "-isystem", "-idirafter" };
	const char *separator = "";

	for (size_t kind = 0; kind < COUNT(options); kind++) {
		for (size_t i = 0; i + 1 < arguments->count; i++) {
			const char *folder = arguments->list[i + 1];

			if (strcmp(arguments->list[i], options[kind]) ||
			    strcmp(folder, KERNEL_TYPES_FOLDER) == 0 ||
			    strcmp(folder, HOST_FOLDER) == 0)
				continue;
			ebs_buffer_printf(out, "%s%s%s", separator, folder,
					  kind ? "" : " (for \"...\")");
			separator = ", ";
		}
	}
}
