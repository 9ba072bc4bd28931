# SPDX-License-Identifier: GPL-2.0-only
# The packages that the host is built on. Each becomes an imported target that only the folder which may
# know it links to.

find_package(PkgConfig REQUIRED)
pkg_check_modules(LIBBPF REQUIRED libbpf>=1.1)
pkg_search_module(LUA REQUIRED lua5.4 lua-5.4 lua54 lua>=5.4)
pkg_check_modules(LIBUV REQUIRED libuv>=1.38)
pkg_check_modules(LIBELF REQUIRED libelf)
pkg_check_modules(XXHASH REQUIRED libxxhash>=0.8)

# ebs_dependency(TARGET ARCHIVE SHARED INCLUDE_DIR NEEDS...): the archive where there is one, which starts faster
# (no relocation at start) and calls faster, else the shared library.
function(ebs_dependency target archive shared include_dir)
    add_library(${target} UNKNOWN IMPORTED)
    find_library(${target}_library NAMES ${archive} ${shared} REQUIRED)
    set_target_properties(${target} PROPERTIES IMPORTED_LOCATION ${${target}_library})
    target_link_libraries(${target} INTERFACE ${ARGN})
    if(NOT include_dir STREQUAL "")
        target_include_directories(${target} SYSTEM INTERFACE ${include_dir})
    endif()
endfunction()

# libm only where base/lazy_libm.c isn't enough; some of its functions libc has too.
ebs_dependency(ebs_lua liblua5.4.a lua5.4 "${LUA_INCLUDE_DIRS}"
    ebs_base "-Wl,--push-state,--as-needed,-lc,-lm,--pop-state" ${CMAKE_DL_LIBS})
ebs_dependency(ebs_uv libuv_a.a uv "${LIBUV_INCLUDE_DIRS}" pthread ${CMAKE_DL_LIBS} rt)
# What libelf itself stands on differs: zlib always, zstd from 0.189 on.
set(elf_needs ${LIBELF_STATIC_LIBRARIES})
list(REMOVE_ITEM elf_needs elf z)
ebs_dependency(ebs_zlib libz.a z "")
ebs_dependency(ebs_elf libelf.a elf "" ebs_zlib ${elf_needs})
ebs_dependency(ebs_libbpf libbpf.a bpf "${LIBBPF_INCLUDE_DIRS}" ebs_elf ebs_zlib)

ebs_dependency(ebs_cap libcap.a cap "")

# Demangles C++ and Rust.
ebs_dependency(ebs_iberty libiberty.a iberty "")

# Its functions are compiled in place.
add_library(ebs_xxhash INTERFACE)
target_include_directories(ebs_xxhash SYSTEM INTERFACE ${XXHASH_INCLUDE_DIRS})

find_path(LIBBPF_HEADERS bpf/bpf_helpers.h HINTS ${LIBBPF_INCLUDE_DIRS} REQUIRED)

include(cmake/clang.cmake)
