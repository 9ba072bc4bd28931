# SPDX-License-Identifier: GPL-2.0-only
# Runs the tests that are listed for the kernel, in the guest: each line is SECONDS NAME COMMAND.
# Each becomes "vm: begin NAME", its TAP, what it wrote to standard error as comments, and "vm: end NAME STATUS".
export EBSCRIPT=/usr/bin/ebscript EBS_TEST_SUPPORT=/source/support EBS_TEST_SLOWNESS=20
export PYTHONPATH=/source/tests/scripts PYTHONDONTWRITEBYTECODE=1
export LC_ALL=C.UTF-8

ulimit -c 0
cd /tmp || exit
echo "vm: kernel $(uname -r)"
while read -r seconds name command; do
	echo "vm: begin $name"
	timeout -k 5 "$seconds" sh -c "exec $command" </dev/null 2>/run/stderr
	status=$?
	sed 's/^/# stderr: /' /run/stderr
	echo "vm: end $name $status"
done <"/modules/$EBS_KERNEL.list"
echo "vm: done"
