# SPDX-License-Identifier: Apache-2.0
# libp11 without its engine, which we have no use for. Its own makefile for Microsoft's compiler builds both, against an OpenSSL that lies elsewhere; CMakeLists.txt here builds the library alone.
# The release has a SHA256 that others publish as well, and vcpkg's own download wants a SHA512: CMake checks it.
set(archive ${DOWNLOADS}/libp11-${VERSION}.tar.gz)
file(DOWNLOAD https://github.com/OpenSC/libp11/releases/download/libp11-${VERSION}/libp11-${VERSION}.tar.gz ${archive}
	EXPECTED_HASH SHA256=1e1a2533b3fcc45fde4da64c9c00261b1047f14c3f911377ebd1b147b3321cfd)
vcpkg_extract_source_archive(source ARCHIVE ${archive})
file(COPY ${CMAKE_CURRENT_LIST_DIR}/CMakeLists.txt DESTINATION ${source})
vcpkg_cmake_configure(SOURCE_PATH ${source} OPTIONS -DLIBP11_VERSION=${VERSION})
vcpkg_cmake_install()
vcpkg_copy_pdbs()
vcpkg_fixup_pkgconfig()
file(REMOVE_RECURSE ${CURRENT_PACKAGES_DIR}/debug/include)
vcpkg_install_copyright(FILE_LIST ${source}/COPYING)
