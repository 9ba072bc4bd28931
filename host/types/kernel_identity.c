// SPDX-License-Identifier: GPL-2.0-only
// Which kernel runs, as far as its types are concerned.
#include <errno.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "types/kernel_identity.h"

int ebs_kernel_identity(struct ebs_buffer *out)
{
	struct utsname system;
	struct stat btf = { 0 };

	if (uname(&system))
		return -errno;
	ebs_buffer_printf(out, "%s %s %s\n", system.release, system.version, system.machine);
	if (stat(EBS_KERNEL_BTF, &btf))
		return -errno;
	ebs_buffer_printf(out, "btf %lld\n", (long long)btf.st_size);
	// The build id is among the notes. Who may not read them has the version with its build
	// time, above.
	ebs_buffer_read_file(out, "/sys/kernel/notes");
	return out->failed ? -ENOMEM : 0;
}
