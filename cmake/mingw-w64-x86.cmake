# SPDX-License-Identifier: Apache-2.0
# The same for 32 bits (gcc-mingw-w64-i686-win32): of the product only the worker that loads modules in 32 bits.
set(mokhoa_processor i686)
set(mokhoa_deps mingw-w64-x86-deps)
include(${CMAKE_CURRENT_LIST_DIR}/mingw-w64.cmake)
