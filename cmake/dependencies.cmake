# SPDX-License-Identifier: GPL-2.0-only
# The packages that the host is built on. Each becomes an imported target that only the folder which may
# know it links to.

find_package(PkgConfig REQUIRED)
pkg_check_modules(LIBBPF REQUIRED libbpf>=1.1)
pkg_search_module(LUA REQUIRED lua5.4 lua-5.4 lua54 lua>=5.4)
pkg_check_modules(LIBUV REQUIRED libuv>=1.38)
pkg_check_modules(LIBELF REQUIRED libelf)
pkg_check_modules(XXHASH REQUIRED libxxhash>=0.8)

# ebs_dependency(TARGET ARCHIVES SHARED INCLUDE_DIR NEEDS...): the first of the archives that there is, which starts
# faster (no relocation at start) and calls faster; the shared library as a last resort.
function(ebs_dependency target archives shared include_dir)
    add_library(${target} UNKNOWN IMPORTED GLOBAL)
    find_library(${target}_library NAMES ${archives} ${shared} REQUIRED)
    if(NOT ${target}_library MATCHES "\\.a$")
        list(JOIN archives " or " names)
        message(NOTICE "No ${names} here: ebscript will need ${${target}_library} where it runs.")
    endif()
    set_target_properties(${target} PROPERTIES IMPORTED_LOCATION ${${target}_library})
    target_link_libraries(${target} INTERFACE ${ARGN})
    if(NOT include_dir STREQUAL "")
        target_include_directories(${target} SYSTEM INTERFACE ${include_dir})
    endif()
endfunction()

# libm only where base/lazy_libm.c isn't enough; some of its functions libc has too.
ebs_dependency(ebs_lua liblua5.4.a lua5.4 "${LUA_INCLUDE_DIRS}"
    ebs_base "-Wl,--push-state,--as-needed,-lc,-lm,--pop-state" ${CMAKE_DL_LIBS})
ebs_dependency(ebs_uv "libuv_a.a;libuv.a" uv "${LIBUV_INCLUDE_DIRS}" pthread ${CMAKE_DL_LIBS} rt)
# What libelf itself needs differs: zlib always, zstd from 0.189 on, and of 0.192 the search tree.
add_library(ebs_libelf_search_tree STATIC ${CMAKE_SOURCE_DIR}/cmake/libelf_search_tree.c)
ebs_dependency(ebs_zlib libz.a z "")
set(elf_needs ebs_zlib)
foreach(need ${LIBELF_STATIC_LIBRARIES})
    if(NOT need MATCHES "^(elf|z)$")
        ebs_dependency(ebs_lib_${need} lib${need}.a ${need} "")
        list(APPEND elf_needs ebs_lib_${need})
    endif()
endforeach()
ebs_dependency(ebs_elf libelf.a elf "" ebs_libelf_search_tree ${elf_needs})
ebs_dependency(ebs_libbpf libbpf.a bpf "${LIBBPF_INCLUDE_DIRS}" ebs_elf ebs_zlib)

ebs_dependency(ebs_cap libcap.a cap "")

# Demangles C++ and Rust.
ebs_dependency(ebs_iberty libiberty.a iberty "")

# Its functions are compiled in place.
add_library(ebs_xxhash INTERFACE)
target_include_directories(ebs_xxhash SYSTEM INTERFACE ${XXHASH_INCLUDE_DIRS})

find_path(LIBBPF_HEADERS bpf/bpf_helpers.h HINTS ${LIBBPF_INCLUDE_DIRS} REQUIRED)

include(cmake/clang.cmake)
