# Helpers with which the folders' CMakeLists.txt stay lists of files.

# Where <eddy/...> is found in the build tree: links to the layers' folders.
set(EDDY_INCLUDE_DIR "${PROJECT_BINARY_DIR}/include")

# eddy_headers(TARGET LAYER file...)
#
# The files of the layer's folder are public, installed headers of the target.
function(eddy_headers target layer)
  set(files ${ARGN})
  list(TRANSFORM files PREPEND "${EDDY_INCLUDE_DIR}/eddy/${layer}/")
  target_sources(${target} PUBLIC FILE_SET HEADERS BASE_DIRS
                                  "${EDDY_INCLUDE_DIR}" FILES ${files})
endfunction()

# eddy_layer(NAME HEADERS file... SOURCES file...)
#
# Adds a layer's files to the library: the folder that calls it becomes
# <eddy/NAME/...>. The headers are the installed, public ones.
function(eddy_layer name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "HEADERS;SOURCES")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "eddy_layer: neither header nor source: "
                        "${arg_UNPARSED_ARGUMENTS}")
  endif()
  file(MAKE_DIRECTORY "${EDDY_INCLUDE_DIR}/eddy")
  file(CREATE_LINK "${CMAKE_CURRENT_SOURCE_DIR}"
       "${EDDY_INCLUDE_DIR}/eddy/${name}" SYMBOLIC)
  target_sources(eddy PRIVATE ${arg_SOURCES})
  eddy_headers(eddy ${name} ${arg_HEADERS})
endfunction()

# eddy_warnings(TARGET): the warnings that eddy's own code is free of.
function(eddy_warnings target)
  target_compile_options(
    ${target}
    PRIVATE -Wall
            -Wextra
            -Wpedantic
            -Wconversion
            -Wshadow
            $<$<BOOL:${EDDY_WERROR}>:-Werror>)
endfunction()

# eddy_executable(TARGET [NAME name] SOURCES file... [LIBRARIES library...])
#
# A program of this repository: on eddy, with its warnings. Quoted includes
# start at the repository's root ("bench/task/floor.h"). -iquote and not -I,
# which would also turn <net/if.h> into a header of ours.
function(eddy_executable target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "NAME" "SOURCES;LIBRARIES")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "eddy_executable(${target}): what is "
                        "${arg_UNPARSED_ARGUMENTS}?")
  endif()
  add_executable(${target} ${arg_SOURCES})
  target_link_libraries(${target} PRIVATE eddy::eddy ${arg_LIBRARIES})
  target_compile_options(${target} PRIVATE "-iquote${PROJECT_SOURCE_DIR}")
  eddy_warnings(${target})
  if(arg_NAME)
    set_target_properties(${target} PROPERTIES OUTPUT_NAME ${arg_NAME})
  endif()
endfunction()

# ccache, where it is there and nothing else was asked for. A macro: the
# variables are read where targets are made.
macro(eddy_use_ccache)
  find_program(EDDY_CCACHE ccache)
  mark_as_advanced(EDDY_CCACHE)
  if(EDDY_CCACHE)
    foreach(language IN ITEMS C CXX)
      if(NOT DEFINED CMAKE_${language}_COMPILER_LAUNCHER)
        set(CMAKE_${language}_COMPILER_LAUNCHER "${EDDY_CCACHE}")
      endif()
    endforeach()
  endif()
endmacro()

# Refuses what would build but crash.
function(eddy_check_toolchain)
  string(TOUPPER "${CMAKE_BUILD_TYPE}" type)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU"
     AND "${CMAKE_CXX_FLAGS} ${CMAKE_CXX_FLAGS_${type}}" MATCHES
         "-fsanitize=[a-z,-]*(address|thread)")
    message(
      FATAL_ERROR
        "Under g++'s address and thread sanitizers coroutines overflow the "
        "stack: use clang++ (presets asan and tsan).")
  endif()
endfunction()
