# What `cmake --install` gives: headers, library, a CMake package, a pkg-config
# file and settings for clang-tidy. All of them find each other by relative
# paths, so that the installed tree can be moved.
include(CMakePackageConfigHelpers)

set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/eddy")

install(
  TARGETS eddy eddy_allocation_count eddy_testing
  EXPORT eddyTargets
  FILE_SET HEADERS)
if(TARGET eddy_blocking_guard)
  install(TARGETS eddy_blocking_guard EXPORT eddyTargets)
endif()
install(
  EXPORT eddyTargets
  NAMESPACE eddy::
  DESTINATION "${package_dir}")
# Apart: it needs Google Benchmark, which most who use eddy do not have.
if(TARGET eddy_benchmark)
  install(
    TARGETS eddy_benchmark
    EXPORT eddyBenchmarkTargets
    FILE_SET HEADERS)
  install(
    EXPORT eddyBenchmarkTargets
    NAMESPACE eddy::
    DESTINATION "${package_dir}")
endif()

configure_package_config_file(
  "${CMAKE_CURRENT_LIST_DIR}/eddyConfig.cmake.in"
  "${PROJECT_BINARY_DIR}/eddyConfig.cmake"
  INSTALL_DESTINATION "${package_dir}"
  NO_SET_AND_CHECK_MACRO)
# Before 1.0 a minor version may change what users see.
write_basic_package_version_file("${PROJECT_BINARY_DIR}/eddyConfigVersion.cmake"
                                 COMPATIBILITY SameMinorVersion)
install(
  FILES "${PROJECT_BINARY_DIR}/eddyConfig.cmake"
        "${PROJECT_BINARY_DIR}/eddyConfigVersion.cmake"
        "${CMAKE_CURRENT_LIST_DIR}/Findliburing.cmake"
  DESTINATION "${package_dir}")

# Settings for users' clang-tidy (see docs/porting.md).
install(
  FILES "${PROJECT_SOURCE_DIR}/docs/clang-tidy/.clang-tidy"
  DESTINATION "${CMAKE_INSTALL_DATADIR}/eddy"
  RENAME clang-tidy)

set(pkgconfig_dir "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}")
  set(EDDY_PC_PREFIX "${CMAKE_INSTALL_PREFIX}")
else()
  file(RELATIVE_PATH up "/${pkgconfig_dir}" "/")
  string(REGEX REPLACE "/$" "" up "${up}")
  set(EDDY_PC_PREFIX "\${pcfiledir}/${up}")
endif()
foreach(dir IN ITEMS LIB INCLUDE)
  if(IS_ABSOLUTE "${CMAKE_INSTALL_${dir}DIR}")
    set(EDDY_PC_${dir}DIR "${CMAKE_INSTALL_${dir}DIR}")
  else()
    set(EDDY_PC_${dir}DIR "\${prefix}/${CMAKE_INSTALL_${dir}DIR}")
  endif()
endforeach()
# clang takes the flag too, so that the file need not know the compiler.
set(EDDY_PC_CFLAGS "-foptimize-sibling-calls")
configure_file("${CMAKE_CURRENT_LIST_DIR}/eddy.pc.in"
               "${PROJECT_BINARY_DIR}/eddy.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/eddy.pc" DESTINATION "${pkgconfig_dir}")
