# SPDX-License-Identifier: Apache-2.0
# A floor is a static library whose headers are seen only by those that link it: an include that goes upward does not compile.
#
#   mokhoa_floor(NAME SOURCES a.c b.c LINKS floor... )
#
# The folder that calls it is the floor's include folder. Headers are named uniquely in the whole house, so that an include is a plain name.
function(mokhoa_floor name)
	cmake_parse_arguments(FLOOR "" "" "SOURCES;LINKS" ${ARGN})
	add_library(${name} STATIC ${FLOOR_SOURCES})
	target_include_directories(${name} PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})
	target_link_libraries(${name} PUBLIC ${FLOOR_LINKS} PRIVATE mokhoa_warnings)
	set_property(GLOBAL APPEND PROPERTY MOKHOA_FLOORS ${name})
endfunction()

# On Windows a program says there what it is: version, and a manifest by which its arguments, environment and file names are UTF-8.
function(mokhoa_describe target)
	if(WIN32)
		set(MOKHOA_PROGRAM ${target})
		set(resource ${CMAKE_CURRENT_BINARY_DIR}/${target}.rc)
		configure_file(${CMAKE_SOURCE_DIR}/installer/windows/program.rc.in ${resource} @ONLY)
		target_sources(${target} PRIVATE ${resource})
	endif()
endfunction()

# A program of the product: build/PRESET/bin/NAME.
function(mokhoa_program name)
	cmake_parse_arguments(PROGRAM "" "" "SOURCES;LINKS" ${ARGN})
	add_executable(${name} ${PROGRAM_SOURCES})
	target_link_libraries(${name} PRIVATE ${PROGRAM_LINKS} mokhoa_warnings)
	set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
	mokhoa_describe(${name})
endfunction()

# A unit test: one executable, label "unit", its exit status is the verdict. LABEL overrides the label.
function(mokhoa_test name)
	cmake_parse_arguments(TEST "" "LABEL" "SOURCES;LINKS;ARGS" ${ARGN})
	if(NOT TEST_LABEL)
		set(TEST_LABEL unit)
	endif()
	add_executable(${name} ${TEST_SOURCES})
	target_link_libraries(${name} PRIVATE ${TEST_LINKS} mokhoa_check mokhoa_warnings)
	mokhoa_describe(${name})
	add_test(NAME ${name} COMMAND ${name} ${TEST_ARGS})
	set_target_properties(${name} PROPERTIES MOKHOA_ARGS "${TEST_ARGS}")
	set_tests_properties(${name} PROPERTIES LABELS ${TEST_LABEL} SKIP_RETURN_CODE 77 TIMEOUT 120)
endfunction()

# These tests run on PostgreSQL as well: NAME_postgresql, on the server that tests/postgres starts.
function(mokhoa_test_postgresql)
	if(NOT MOKHOA_POSTGRESQL)
		return()
	endif()
	foreach(name IN LISTS ARGN)
		get_test_property(${name} LABELS labels)
		get_test_property(${name} TIMEOUT timeout)
		get_target_property(args ${name} MOKHOA_ARGS)
		add_test(NAME ${name}_postgresql COMMAND ${name} ${args})
		set_tests_properties(${name}_postgresql PROPERTIES LABELS "${labels}" TIMEOUT ${timeout} SKIP_RETURN_CODE 77 FIXTURES_REQUIRED postgresql
			ENVIRONMENT MOKHOA_TEST_POSTGRESQL=${CMAKE_BINARY_DIR}/postgresql.url)
	endforeach()
endfunction()

# A fuzz target: libFuzzer where the preset says so; everywhere a plain program that replays its corpus as a test of label "fuzz".
#   mokhoa_fuzz(NAME SOURCE fuzz_x.c CORPUS folder LINKS ...)
function(mokhoa_fuzz name)
	cmake_parse_arguments(FUZZ "" "SOURCE;CORPUS" "LINKS" ${ARGN})
	if(MOKHOA_FUZZ)
		add_executable(${name} ${FUZZ_SOURCE})
		target_link_options(${name} PRIVATE -fsanitize=fuzzer)
	else()
		add_executable(${name} ${FUZZ_SOURCE} ${CMAKE_SOURCE_DIR}/tests/fuzz/replay.c)
	endif()
	target_link_libraries(${name} PRIVATE ${FUZZ_LINKS} mokhoa_check mokhoa_warnings)
	get_filename_component(corpus ${FUZZ_CORPUS} ABSOLUTE)
	if(MOKHOA_FUZZ)
		add_test(NAME ${name} COMMAND ${name} -runs=0 ${corpus})
	else()
		add_test(NAME ${name} COMMAND ${name} ${corpus})
	endif()
	set_tests_properties(${name} PROPERTIES LABELS fuzz TIMEOUT 300)
	set_target_properties(${name} PROPERTIES MOKHOA_CORPUS ${corpus})
	set_property(GLOBAL APPEND PROPERTY MOKHOA_FUZZERS ${name})
endfunction()

# Called once at the end: writes what the scripts need to know of the build.
#   floors.txt   NAME;FOLDER;include folder,include folder,...   one floor a line, with all that it may see
#   fuzzers.txt  NAME PROGRAM CORPUS                              one fuzz target a line
function(mokhoa_write_lists)
	get_property(floors GLOBAL PROPERTY MOKHOA_FLOORS)
	set(lines "")
	foreach(floor IN LISTS floors)
		get_target_property(folder ${floor} SOURCE_DIR)
		string(APPEND lines "${floor};${folder};$<JOIN:$<TARGET_PROPERTY:${floor},INCLUDE_DIRECTORIES>,$<COMMA>>\n")
	endforeach()
	file(GENERATE OUTPUT ${CMAKE_BINARY_DIR}/floors.txt CONTENT "${lines}")
	get_property(fuzzers GLOBAL PROPERTY MOKHOA_FUZZERS)
	set(lines "")
	foreach(fuzzer IN LISTS fuzzers)
		get_target_property(corpus ${fuzzer} MOKHOA_CORPUS)
		string(APPEND lines "${fuzzer} $<TARGET_FILE:${fuzzer}> ${corpus}\n")
	endforeach()
	file(GENERATE OUTPUT ${CMAKE_BINARY_DIR}/fuzzers.txt CONTENT "${lines}")
endfunction()
