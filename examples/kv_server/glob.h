// MatchesGlob: whether a text is one that a pattern stands for, as Redis
// understands patterns.
//
//   *  any bytes    ?  any byte    [abc], [a-c], [^a]  one of these, or not
//   \x  x itself
//
// It takes at most about pattern x text steps, whatever the pattern is.
#ifndef EDDY_EXAMPLES_KV_SERVER_GLOB_H_
#define EDDY_EXAMPLES_KV_SERVER_GLOB_H_

#include <string_view>

namespace kv_server {

bool MatchesGlob(std::string_view pattern, std::string_view text);

}  // namespace kv_server

#endif  // EDDY_EXAMPLES_KV_SERVER_GLOB_H_
