# Finds llhttp's C source and builds it: target llhttp::llhttp, variable
# llhttp_FOUND. Debian has no library of it, only the source, in node-llhttp.
find_path(
  llhttp_INCLUDE_DIR
  NAMES llhttp.h
  PATH_SUFFIXES include/llhttp llhttp
  PATHS /usr/share)
find_path(
  llhttp_SOURCE_DIR
  NAMES llhttp.c
  PATH_SUFFIXES llhttp
  PATHS /usr/share)
mark_as_advanced(llhttp_INCLUDE_DIR llhttp_SOURCE_DIR)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(
  llhttp
  REQUIRED_VARS llhttp_INCLUDE_DIR llhttp_SOURCE_DIR
  REASON_FAILURE_MESSAGE "Debian's package is node-llhttp")

if(llhttp_FOUND AND NOT TARGET llhttp::llhttp)
  enable_language(C)
  add_library(
    llhttp STATIC "${llhttp_SOURCE_DIR}/api.c" "${llhttp_SOURCE_DIR}/http.c"
                  "${llhttp_SOURCE_DIR}/llhttp.c")
  # Its headers count as the system's: eddy's warnings are not for them.
  target_include_directories(llhttp SYSTEM PUBLIC "${llhttp_INCLUDE_DIR}")
  # Generated code, where an unused variable says nothing.
  target_compile_options(llhttp PRIVATE -w)
  add_library(llhttp::llhttp ALIAS llhttp)
endif()
