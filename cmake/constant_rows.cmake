# SPDX-License-Identifier: GPL-2.0-only
# Build step: writes a C file with the macros of this machine's headers that BPF C needs, and BTF has not:
# cmake -DCOMPILER=cc -DOUTPUT=FILE -P constant_rows.cmake

set(includes "")
foreach(header sys/socket sys/stat linux/if_ether linux/pkt_cls linux/if_link linux/errno linux/fcntl linux/sched
        signal)
    string(APPEND includes "#include <${header}.h>\n")
endforeach()
file(WRITE ${OUTPUT}.h ${includes})
execute_process(COMMAND ${COMPILER} -E -dM ${OUTPUT}.h OUTPUT_VARIABLE macros COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "#define [A-Z][A-Z0-9_]* [^\n]+" macros "${macros}")
list(SORT macros)
set(families "ETH_[A-Z0-9_]+" "AF_[A-Z0-9_]+" "PF_[A-Z0-9_]+" "TC_ACT_[A-Z_]+" "XDP_[A-Z_]+" "E[A-Z0-9]+" "S_I[A-Z]+"
    "O_[A-Z]+" "AT_[A-Z_]+" "CLONE_[A-Z_]+" "SOCK_[A-Z_]+" "SIG[A-Z0-9]+")
list(JOIN families "|" families)
set(rows "")
foreach(macro ${macros})
    string(REGEX REPLACE "#define ([A-Z0-9_]+) .*" "\\1" name "${macro}")
    if(name MATCHES "^(${families})$" AND NOT name MATCHES "^(SIGSTKSZ|SIGRTMIN|SIGRTMAX|EOF)$")
        string(APPEND rows "\t{ \"${name}\", ${name} },\n")
    endif()
endforeach()
file(WRITE ${OUTPUT} "${includes}#include <stddef.h>\n\n#include \"types/constants.h\"\n
const struct ebs_macro ebs_macro_rows[] = {\n${rows}};
const size_t ebs_macro_row_count = sizeof(ebs_macro_rows) / sizeof(ebs_macro_rows[0]);\n")
