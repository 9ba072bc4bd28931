# The packages that the host is built on. Each becomes an imported target that only the folder which may
# know it links to.

find_package(PkgConfig REQUIRED)
pkg_check_modules(LIBBPF REQUIRED libbpf>=1.1)
pkg_search_module(LUA REQUIRED lua5.4 lua-5.4 lua54 lua>=5.4)
pkg_check_modules(LIBUV REQUIRED libuv>=1.38)
pkg_check_modules(LIBELF REQUIRED libelf)
find_package(ZLIB REQUIRED)

# ebs_dependency(TARGET ARCHIVE SHARED INCLUDE_DIR NEEDS...): the archive where there is one, which starts faster
# (no relocation at start) and calls faster, else the shared library.
function(ebs_dependency target archive shared include_dir)
    add_library(${target} INTERFACE)
    find_library(${target}_library NAMES ${archive} ${shared} REQUIRED)
    target_link_libraries(${target} INTERFACE ${${target}_library} ${ARGN})
    if(NOT include_dir STREQUAL "")
        target_include_directories(${target} SYSTEM INTERFACE ${include_dir})
    endif()
endfunction()

ebs_dependency(ebs_lua liblua5.4.a lua5.4 "${LUA_INCLUDE_DIRS}" m ${CMAKE_DL_LIBS})
ebs_dependency(ebs_uv libuv_a.a uv "${LIBUV_INCLUDE_DIRS}" pthread ${CMAKE_DL_LIBS} rt)
ebs_dependency(ebs_libbpf libbpf.a bpf "${LIBBPF_INCLUDE_DIRS}" ${LIBELF_LINK_LIBRARIES} ZLIB::ZLIB)

find_path(LIBBPF_HEADERS bpf/bpf_helpers.h HINTS ${LIBBPF_INCLUDE_DIRS} REQUIRED)

# LLVM and clang: the newest major that has all three parts, or the one that was asked for.
set(candidates ${EBS_LLVM})
if(NOT candidates)
    set(candidates 19 18 17 16 15 14)
endif()
foreach(major ${candidates})
    set(root /usr/lib/llvm-${major})
    if(EXISTS ${root}/include/clang/Frontend/CompilerInstance.h
            AND EXISTS ${root}/include/llvm/IR/Module.h AND EXISTS ${root}/lib/libclang-cpp.so)
        file(GLOB builtin_headers ${root}/lib/clang/*/include)
        if(builtin_headers)
            set(EBS_LLVM_MAJOR ${major})
            set(EBS_LLVM_ROOT ${root})
            list(GET builtin_headers 0 EBS_CLANG_HEADERS)
            break()
        endif()
    endif()
endforeach()
if(NOT EBS_LLVM_MAJOR)
    message(FATAL_ERROR "No clang to build against (looked for majors: ${candidates}). "
        "Install libclang-19-dev, llvm-19-dev and libclang-cpp19-dev, or another major from 14 to 19.")
endif()
message(STATUS "LLVM ${EBS_LLVM_MAJOR} in ${EBS_LLVM_ROOT}")

add_library(ebs_clang INTERFACE)
target_include_directories(ebs_clang SYSTEM INTERFACE ${EBS_LLVM_ROOT}/include)
target_compile_definitions(ebs_clang INTERFACE
    __STDC_CONSTANT_MACROS __STDC_FORMAT_MACROS __STDC_LIMIT_MACROS)
target_link_directories(ebs_clang INTERFACE ${EBS_LLVM_ROOT}/lib)
target_link_libraries(ebs_clang INTERFACE clang-cpp LLVM-${EBS_LLVM_MAJOR})
