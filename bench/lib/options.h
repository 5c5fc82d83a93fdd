// The command line that all side-by-side benchmarks share, so that who knows
// one of them knows the others: --quick, --json FILE, --markdown, --rounds N,
// --subjects LIST; and what they do last.

#ifndef EDDY_BENCH_LIB_OPTIONS_H_
#define EDDY_BENCH_LIB_OPTIONS_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/flags/declare.h"
#include "bench/lib/machine.h"
#include "bench/lib/report.h"

ABSL_DECLARE_FLAG(bool, quick);

namespace eddy::bench {

// Parses all flags; ends the program with 2 when something else is left over.
void ParseOptions(const std::string& about, int argc, char** argv);

// The value of --rounds, or what the benchmark does usually.
std::size_t Rounds(std::size_t usual, std::size_t quick);

// Whether --subjects, if given, names this one.
bool IsChosen(const std::string& subject);

// Reads a list flag as positive numbers, `usual` when it is empty; ends the
// program with 2 when one is none.
std::vector<std::size_t> Numbers(const char* flag,
                                 const std::vector<std::string>& words,
                                 const std::vector<std::size_t>& usual);

// Prints the ends of the tables, in Markdown all of them if asked to, writes
// the JSON file if one is asked for, and returns the exit code: 0 without
// failures.
int Conclude(const std::vector<const Report*>& reports, const Facts& facts,
             int failures);

}  // namespace eddy::bench

#endif  // EDDY_BENCH_LIB_OPTIONS_H_
