// Putting texts together.
#ifndef EDDY_EXAMPLES_FILE_SERVER_TEXT_H_
#define EDDY_EXAMPLES_FILE_SERVER_TEXT_H_

#include <initializer_list>
#include <string>
#include <string_view>

namespace file_server {

inline std::string Concat(std::initializer_list<std::string_view> parts) {
  std::string all;
  for (const std::string_view part : parts) all += part;
  return all;
}

}  // namespace file_server

#endif  // EDDY_EXAMPLES_FILE_SERVER_TEXT_H_
