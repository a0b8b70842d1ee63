# SPDX-License-Identifier: Apache-2.0
# One header of a library that is not built. (../libp11/portfile.cmake says why CMake fetches it.)
set(VCPKG_POLICY_EMPTY_INCLUDE_FOLDER enabled)
set(archive ${DOWNLOADS}/p11-kit-${VERSION}.tar.xz)
file(DOWNLOAD https://github.com/p11-glue/p11-kit/releases/download/${VERSION}/p11-kit-${VERSION}.tar.xz ${archive}
	EXPECTED_HASH SHA256=d8be783efd5cd4ae534cee4132338e3f40f182c3205d23b200094ec85faaaef8)
vcpkg_extract_source_archive(source ARCHIVE ${archive})
file(INSTALL ${source}/common/pkcs11.h DESTINATION ${CURRENT_PACKAGES_DIR}/include/p11-kit-1/p11-kit)
foreach(folder "" debug/)
	file(WRITE ${CURRENT_PACKAGES_DIR}/${folder}lib/pkgconfig/p11-kit-1.pc "prefix=\${pcfiledir}/../..
Name: p11-kit-1
Description: the header of PKCS#11, nothing to link
Version: ${VERSION}
Cflags: -I\${prefix}/include/p11-kit-1
")
endforeach()
vcpkg_fixup_pkgconfig()
vcpkg_install_copyright(FILE_LIST ${source}/COPYING)
