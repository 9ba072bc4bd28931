# SPDX-License-Identifier: GPL-2.0-only
# Build step: writes a C file with the names of this architecture's system calls, by number:
# cmake -DCOMPILER=cc -DOUTPUT=FILE -P syscall_names.cmake

file(WRITE ${OUTPUT}.h "#include <asm/unistd.h>\n")
execute_process(COMMAND ${COMPILER} -E -dM ${OUTPUT}.h OUTPUT_VARIABLE macros COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "#define __NR_[a-z_][a-z0-9_]* " macros "${macros}")
list(SORT macros)
set(rows "")
foreach(macro ${macros})
    string(REGEX REPLACE "#define __NR_([a-z0-9_]+) " "\\1" name "${macro}")
    if(NOT name MATCHES "^(syscalls|arch_specific_syscall)$") # how many there are, and where a range begins
        string(APPEND rows "\t[__NR_${name}] = \"${name}\",\n")
    endif()
endforeach()
file(WRITE ${OUTPUT} "#include <asm/unistd.h>\n#include <stddef.h>\n
#pragma GCC diagnostic ignored \"-Woverride-init\"
extern const char *const ebs_syscall_names[];\nextern const size_t ebs_syscall_count;\n
const char *const ebs_syscall_names[] = {\n${rows}};
const size_t ebs_syscall_count = sizeof(ebs_syscall_names) / sizeof(ebs_syscall_names[0]);\n")
