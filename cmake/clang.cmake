# SPDX-License-Identifier: GPL-2.0-only
# LLVM and clang, as the target ebs_clang: the newest major that is there in full, or the one that was asked for;
# as shared libraries or, with EBS_CLANG_STATIC, as archives.

set(candidates ${EBS_LLVM})
if(NOT candidates)
    file(GLOB candidates RELATIVE /usr/lib/llvm- /usr/lib/llvm-*)
    list(TRANSFORM candidates REPLACE "^.*llvm-" "")
    list(FILTER candidates INCLUDE REGEX "^[0-9]+$")
    list(SORT candidates COMPARE NATURAL ORDER DESCENDING)
endif()
if(EBS_CLANG_STATIC)
    set(needed libclangCodeGen.a libLLVMBPFCodeGen.a)
    set(packages libclang-N-dev llvm-N-dev lld-N libzstd-dev)
else()
    set(needed libclang-cpp.so)
    set(packages libclang-N-dev llvm-N-dev libclang-cppN-dev)
endif()
list(TRANSFORM needed PREPEND lib/)
list(APPEND needed include/clang/Frontend/CompilerInstance.h include/llvm/IR/Module.h)
set(oldest 14)
set(newest 23) # newer ones are tried

# ebs_find_llvm(MAJOR): sets EBS_LLVM_MAJOR, EBS_LLVM_ROOT and EBS_CLANG_HEADERS if all of it is there.
function(ebs_find_llvm major)
    set(root /usr/lib/llvm-${major})
    file(GLOB builtin_headers ${root}/lib/clang/*/include)
    if(NOT builtin_headers)
        return()
    endif()
    foreach(file ${needed})
        if(NOT EXISTS ${root}/${file})
            return()
        endif()
    endforeach()
    list(GET builtin_headers 0 headers)
    set(EBS_LLVM_MAJOR ${major} PARENT_SCOPE)
    set(EBS_LLVM_ROOT ${root} PARENT_SCOPE)
    set(EBS_CLANG_HEADERS ${headers} PARENT_SCOPE)
endfunction()

foreach(major ${candidates})
    if(major VERSION_GREATER_EQUAL oldest)
        ebs_find_llvm(${major})
    endif()
    if(EBS_LLVM_ROOT)
        break()
    endif()
endforeach()
if(NOT EBS_LLVM_ROOT)
    list(JOIN candidates ", " candidates)
    list(JOIN packages ", " packages)
    if(candidates)
        set(candidates " (looked at majors: ${candidates})")
    endif()
    message(FATAL_ERROR "No clang to build against${candidates}. "
        "Install ${packages}, where N is a major from ${oldest} to ${newest}.")
endif()
if(EBS_LLVM_MAJOR GREATER newest)
    message(NOTICE "LLVM ${EBS_LLVM_MAJOR} is newer than all that ebscript is known to work with (${oldest} to "
        "${newest}). If building fails, take an older one: ./dev build --llvm 19, or cmake -DEBS_LLVM=19.")
endif()
message(STATUS "LLVM ${EBS_LLVM_MAJOR} in ${EBS_LLVM_ROOT}")

# The one header that has moved: before LLVM 22 it was in the first of these.
set(plugin_header llvm/Passes/PassPlugin.h)
if(NOT EXISTS ${EBS_LLVM_ROOT}/include/${plugin_header})
    set(plugin_header llvm/Plugins/PassPlugin.h)
endif()

add_library(ebs_clang INTERFACE)
target_include_directories(ebs_clang SYSTEM INTERFACE ${EBS_LLVM_ROOT}/include)
target_compile_definitions(ebs_clang INTERFACE
    __STDC_CONSTANT_MACROS __STDC_FORMAT_MACROS __STDC_LIMIT_MACROS
    EBS_PASS_PLUGIN_HEADER=<${plugin_header}>)
if(NOT EBS_CLANG_STATIC)
    target_link_directories(ebs_clang INTERFACE ${EBS_LLVM_ROOT}/lib)
    target_link_libraries(ebs_clang INTERFACE clang-cpp LLVM-${EBS_LLVM_MAJOR})
    return()
endif()

# Every archive, in one group: which of them need which differs between majors, and only members that something
# refers to are taken. Targets other than BPF are not referred to.
file(GLOB archives ${EBS_LLVM_ROOT}/lib/libclang*.a ${EBS_LLVM_ROOT}/lib/libLLVM*.a)
target_link_libraries(ebs_clang INTERFACE -Wl,--start-group ${archives} -Wl,--end-group ${CMAKE_DL_LIBS} pthread m)
foreach(library z zstd tinfo) # the majors differ in which of these they need
    find_library(EBS_LIBRARY_${library} ${library})
    if(EBS_LIBRARY_${library})
        target_link_libraries(ebs_clang INTERFACE ${EBS_LIBRARY_${library}})
    endif()
endforeach()
target_compile_options(ebs_clang INTERFACE -ffunction-sections -fdata-sections)
target_link_options(ebs_clang INTERFACE -static-libstdc++ -static-libgcc
    -Wl,--gc-sections -Wl,-Bsymbolic -Wl,--as-needed -Wl,--no-undefined)

# lld is several times as fast as GNU ld here, and folds functions that came out the same, a tenth of the module.
find_program(EBS_LLD ld.lld HINTS ${EBS_LLVM_ROOT}/bin)
if(EBS_LLD)
    cmake_path(GET EBS_LLD PARENT_PATH lld_folder)
    list(APPEND CMAKE_REQUIRED_LINK_OPTIONS -B${lld_folder} -fuse-ld=lld)
    target_link_options(ebs_clang INTERFACE -B${lld_folder} -fuse-ld=lld -Wl,--icf=all)
endif()

# Packed relocations save megabytes, and time at start. Linker and C library have to know them.
include(CheckCSourceRuns)
# lld only warns of an option that it doesn't know.
list(APPEND CMAKE_REQUIRED_LINK_OPTIONS -Wl,-z,pack-relative-relocs -Wl,--fatal-warnings)
check_c_source_runs("
    #include <features.h>
    #if !__GLIBC_PREREQ(2, 36)
    #error DT_RELR is not known
    #endif
    static int x, *volatile pointer = &x;
    int main(void) { return pointer != &x; }" EBS_PACKED_RELOCATIONS)
if(EBS_PACKED_RELOCATIONS)
    target_link_options(ebs_clang INTERFACE -Wl,-z,pack-relative-relocs)
endif()
unset(CMAKE_REQUIRED_LINK_OPTIONS)
