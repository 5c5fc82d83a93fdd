// The names of functions as a report shows them.
#ifndef EDDY_RUNTIME_BLOCKING_GUARD_SYMBOLS_H_
#define EDDY_RUNTIME_BLOCKING_GUARD_SYMBOLS_H_

#include <string>

namespace eddy::internal::guard {

// The C++ name of a symbol. A coroutine's body is a function of the compiler's
// own, which gets the name of the coroutine: "Serve(int) (coroutine)".
std::string FunctionName(const char* symbol);

// The name that g++ gives the body of a coroutine, without what only it knows:
// "Serve(int)" for "Task<void> Serve(Serve(int)::_Z5Servei.Frame*)".
std::string WithoutFrame(std::string name);

// "fputs" for "__fputs_chk", "open" for "__open64_2".
std::string CallName(const char* symbol);

}  // namespace eddy::internal::guard

#endif  // EDDY_RUNTIME_BLOCKING_GUARD_SYMBOLS_H_
