// SPDX-License-Identifier: GPL-2.0-only
// Asks the kernel whether it takes a kind of programs, by one that does nothing; remembers answers.
#include "kernel/program_kind.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/btf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/capabilities.h"
#include "kernel/attach_private.h"
#include "kernel/btf_programs.h"
#include "kernel/object_private.h"
#include "kernel/verifier_log.h"
#include "types/btf_find.h"
#include "types/kernel_identity.h"

struct answer {
	struct ebs_program_kind kind;
	uint64_t capabilities; // which it was asked with
	int number;            // 0 or -errno
	bool judged;
};

static struct answer *answers;
static size_t answer_count;

int ebs_load_nothing(int type, struct bpf_prog_load_opts *options)
{
	// return 0
	static const struct bpf_insn nothing[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	return bpf_prog_load(type, "ebs_has", "GPL", nothing, 2, options);
}

// Those that decide about loading.
static uint64_t capabilities(void)
{
	static const int numbers[] = { CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN, CAP_SYS_ADMIN };
	uint64_t set = 0;

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (ebs_capability_have(numbers[i]))
			set |= EBS_CAPABILITY(numbers[i]);
	return set;
}

static const struct answer *find_answer(const struct answer *wanted)
{
	for (size_t i = 0; i < answer_count; i++)
		if (memcmp(&answers[i].kind, &wanted->kind, sizeof(wanted->kind)) == 0 &&
		    answers[i].capabilities == wanted->capabilities)
			return &answers[i];
	return NULL;
}

// What says something of the moment and not of the kernel is not remembered.
static bool is_lasting(int number)
{
	return number != -EAGAIN && number != -EINTR && number != -ENOMEM && number != -EMFILE &&
	       number != -ENFILE;
}

static void keep_answer(const struct answer *answer)
{
	struct answer *larger = reallocarray(answers, answer_count + 1, sizeof(*answers));

	if (!larger)
		return; // then it is asked again
	answers = larger;
	answers[answer_count++] = *answer;
}

static void ask(struct answer *answer)
{
	char log[4096] = "";
	LIBBPF_OPTS(bpf_prog_load_opts, options,
		    .expected_attach_type = (enum bpf_attach_type)answer->kind.attach_type,
		    .prog_flags = answer->kind.flags, .attach_btf_id = answer->kind.btf_id,
		    .log_buf = log, .log_size = sizeof(log), .log_level = 1);
	int fd = ebs_load_nothing((int)answer->kind.type, &options);

	answer->number = fd < 0 ? fd : 0;
	if (fd >= 0)
		close(fd);
	else
		answer->judged = !ebs_verifier_log_is_silent(log, strnlen(log, sizeof(log)));
}

int ebs_program_kind_try(const struct ebs_program_kind *kind, bool *judged)
{
	struct answer answer = { .kind = *kind, .capabilities = capabilities() };
	const struct answer *known = find_answer(&answer);

	if (known) {
		answer = *known;
	} else {
		ask(&answer);
		if (is_lasting(answer.number))
			keep_answer(&answer);
	}
	if (judged)
		*judged = answer.judged;
	return answer.number;
}

// SEC("lsm_cgroup/HOOK") is libbpf's to load.
static uint32_t find_hook(const char *hook)
{
	struct ebs_btf_blob kernel;
	char name[160];

	if (!hook || ebs_btf_blob_open(&kernel, EBS_KERNEL_BTF, NULL))
		return 0;
	snprintf(name, sizeof(name), "bpf_lsm_%s", hook);
	uint32_t id = ebs_btf_find(&kernel, name, BTF_KIND_FUNC);
	ebs_btf_blob_close(&kernel);
	return id;
}

bool ebs_program_kind_of(const struct ebs_program *program, struct ebs_program_kind *kind)
{
	if (ebs_btf_program_kind(program, kind))
		return kind->btf_id != 0;
	*kind = (struct ebs_program_kind){
		.type = bpf_program__type(program->handle),
		.attach_type = bpf_program__expected_attach_type(program->handle),
		.flags = bpf_program__flags(program->handle),
	};
	if (kind->type == BPF_PROG_TYPE_LSM) {
		kind->btf_id = find_hook(ebs_section_target(program));
		return kind->btf_id != 0;
	}
	return kind->type != BPF_PROG_TYPE_STRUCT_OPS && kind->type != BPF_PROG_TYPE_EXT &&
	       kind->type != BPF_PROG_TYPE_TRACING;
}

bool ebs_program_kind_refused(const struct ebs_program *program, int number)
{
	struct ebs_program_kind kind;
	bool judged;

	return !ebs_program_kind_of(program, &kind) ||
	       (ebs_program_kind_try(&kind, &judged) == -abs(number) && !judged);
}
