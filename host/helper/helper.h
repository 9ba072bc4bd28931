// SPDX-License-Identifier: GPL-2.0-only
// The door to the helper: a small process that does what needs rights after they were given up.
//
// It is forked by the first of these calls that needs it, which must come before the drop. From
// then on it takes no new tasks, and keeps only the capabilities that those which it has need. It
// reads no script and no foreign file. All return 0, or -errno: -EPIPE once it is gone (somebody
// has killed it), -EPERM for what it doesn't do any more after the drop.
#ifndef EBS_HELPER_HELPER_H
#define EBS_HELPER_HELPER_H

#include <stdint.h>
#include <sys/types.h>

struct ebs_output_file;

// What it can be told to do when the host has ended, in a table: `fd` is -1 where none was given.
typedef void ebs_helper_act(int number, uint32_t value, int fd);

// To be called before all others; the table must stay.
void ebs_helper_init(ebs_helper_act *const *acts, unsigned count);

// However the host ends, the act of this index is done then. The helper gets a descriptor of its
// own.
int ebs_helper_at_end(unsigned act, int number, uint32_t value, int fd);

// A command that is to be started later: its process is there already, with all that the host is
// now (its user, capabilities, standard streams, terminal), and waits. `arguments` end with a NULL;
// the first is looked for in PATH. Must be the helper's first task: else -EALREADY. When the host
// ends the command is sent SIGTERM.
int ebs_helper_command(char *const *arguments);
// Returns when it runs, or with why it can't: -ENOENT.
int ebs_helper_command_start(void);
// SIGINT, SIGTERM, SIGHUP or SIGKILL. -ESRCH once it has ended.
int ebs_helper_command_signal(int number);
pid_t ebs_helper_command_pid(void); // 0: there is none
// Readable once it has ended. -1: there is none.
int ebs_helper_command_fd(void);
// Its status as by waitpid(2). -EAGAIN while it runs.
int ebs_helper_command_status(int *status);

// From now on files can be asked for that processes run from.
int ebs_helper_need_mapped(void);
// A descriptor, for reading only, of the regular file that process `pid` has mapped executable at
// just this range of addresses, as in its /proc/PID/maps; owned by the caller. -ENOENT where there
// is no such mapping, -EACCES for one of another kind.
int ebs_helper_open_mapped(pid_t pid, uint64_t start, uint64_t end);

// The file will be finished or discarded by the helper, and is closed here by the caller. Returns
// its number for that, or -errno. Files that are never finished are discarded at the end.
int ebs_helper_keep_output(const struct ebs_output_file *file);
int ebs_helper_finish_output(int number);
int ebs_helper_discard_output(int number);

// At the drop. Does nothing where there is no helper.
int ebs_helper_seal(void);

#endif
