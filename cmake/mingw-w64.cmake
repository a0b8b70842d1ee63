# SPDX-License-Identifier: Apache-2.0
# The cross compiler of Debian 12 (gcc-mingw-w64-x86-64-win32), and where installer/windows/deps.sh has put the libraries.
# mingw-w64-x86.cmake says another processor, and includes this.
if(NOT mokhoa_processor)
	set(mokhoa_processor x86_64)
	set(mokhoa_deps mingw-w64-deps)
endif()
set(CMAKE_SYSTEM_NAME Windows)
set(CMAKE_SYSTEM_PROCESSOR ${mokhoa_processor})
set(CMAKE_C_COMPILER ${mokhoa_processor}-w64-mingw32-gcc)
set(CMAKE_RC_COMPILER ${mokhoa_processor}-w64-mingw32-windres)

if(DEFINED ENV{MOKHOA_WINDOWS_DEPS})
	set(mokhoa_windows_deps $ENV{MOKHOA_WINDOWS_DEPS})
else()
	set(mokhoa_windows_deps ${CMAKE_CURRENT_LIST_DIR}/../build/${mokhoa_deps})
endif()
set(CMAKE_FIND_ROOT_PATH ${mokhoa_windows_deps} /usr/${mokhoa_processor}-w64-mingw32)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)

# pkg-config sees these libraries alone, and names what a static one needs
set(ENV{PKG_CONFIG_LIBDIR} ${mokhoa_windows_deps}/lib/pkgconfig)
set(ENV{PKG_CONFIG_PATH} "")
set(PKG_CONFIG_ARGN --static)

# Here and not with each target, because the libraries' own configure checks link a static OpenSSL too
set(CMAKE_C_STANDARD_LIBRARIES "-lws2_32 -lcrypt32 -lbcrypt -lgdi32 -ladvapi32 -luser32 -lkernel32 -lshell32 -lole32" CACHE STRING "")
set(CMAKE_CROSSCOMPILING_EMULATOR /usr/bin/wine)
