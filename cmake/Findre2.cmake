# Finds RE2: target re2::re2, variable re2_FOUND. Debian's package has a
# pkg-config file only.
find_path(re2_INCLUDE_DIR NAMES re2/re2.h)
find_library(re2_LIBRARY NAMES re2)
mark_as_advanced(re2_INCLUDE_DIR re2_LIBRARY)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(
  re2
  REQUIRED_VARS re2_LIBRARY re2_INCLUDE_DIR
  REASON_FAILURE_MESSAGE "Debian's package is libre2-dev")

if(re2_FOUND AND NOT TARGET re2::re2)
  add_library(re2::re2 UNKNOWN IMPORTED)
  set_target_properties(
    re2::re2
    PROPERTIES IMPORTED_LOCATION "${re2_LIBRARY}" INTERFACE_INCLUDE_DIRECTORIES
                                                  "${re2_INCLUDE_DIR}")
endif()
