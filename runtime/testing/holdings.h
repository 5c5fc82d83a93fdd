// Holdings: what a program has taken and not yet given back, to compare before
// and after.
#ifndef EDDY_RUNTIME_TESTING_HOLDINGS_H_
#define EDDY_RUNTIME_TESTING_HOLDINGS_H_

#include <cstddef>
#include <map>
#include <string>

namespace eddy::internal {

// What this thread holds of memory for frames, and the process of descriptors.
class Holdings {
 public:
  static Holdings Now();

  // What there is more than before, as text; "" if nothing.
  std::string MoreThan(const Holdings& before) const;

 private:
  std::ptrdiff_t frames_ = 0;
  // What each descriptor is.
  std::map<int, std::string> descriptors_;
};

}  // namespace eddy::internal

#endif  // EDDY_RUNTIME_TESTING_HOLDINGS_H_
