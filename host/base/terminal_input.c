// SPDX-License-Identifier: GPL-2.0-only
// Typing into a terminal in place of its user.
#include "base/terminal_input.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define LOW_HALF 4
#else
#define LOW_HALF 0
#endif

#define LOAD(member)    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, member))
#define IS(value, t, f) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), (t), (f))
#define RETURN(action)  BPF_STMT(BPF_RET | BPF_K, (action))

// ioctl(2) of 32-bit programs, and of x86's x32.
#define IOCTL_32 54
#ifdef __x86_64__
#define IOCTL_X32 (0x40000000 | 514)
#else
#define IOCTL_X32 IOCTL_32
#endif

int ebs_terminal_input_forbid(void)
{
	struct sock_filter code[] = {
		LOAD(nr),
		IS(SYS_ioctl, 3, 0),
		IS(IOCTL_32, 2, 0),
		IS(IOCTL_X32, 1, 0),
		RETURN(SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, args[1]) + LOW_HALF),
		IS(TIOCSTI, 1, 0),
		IS(TIOCLINUX, 0, 1),
		RETURN(SECCOMP_RET_ERRNO | EPERM),
		RETURN(SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = sizeof(code) / sizeof(code[0]), .filter = code };

	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) ? -errno : 0;
}
