// SplitWords: the words of a request in one line, as a shell would split them.
//
// Words are separated by spaces. In "double quotes" there may be \n, \r, \t,
// \b, \a, \" and \\, and any byte as \xHH; in 'single quotes' only \'. After a
// closing quote a word ends.
#ifndef EDDY_EXAMPLES_KV_SERVER_INLINE_WORDS_H_
#define EDDY_EXAMPLES_KV_SERVER_INLINE_WORDS_H_

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

namespace kv_server {

// Appends the words of `line`, as views into it: what is quoted is unquoted in
// place, where it only gets shorter. False where a quote is not closed, where
// something follows a closed one at once, or where there are more than `most`
// words; then the line is spoilt.
bool SplitWords(std::span<char> line, std::size_t most,
                std::vector<std::string_view>& words);

}  // namespace kv_server

#endif  // EDDY_EXAMPLES_KV_SERVER_INLINE_WORDS_H_
