#include <eddy/runtime/blocking_guard/stack.h>
#include <eddy/runtime/blocking_guard/symbols.h>

#include <cxxabi.h>
#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

namespace eddy::internal::guard {
namespace {

bool EndsWith(std::string_view text, std::string_view end) noexcept {
  return text.size() >= end.size() &&
         text.substr(text.size() - end.size()) == end;
}

bool BeginsWith(std::string_view text, std::string_view begin) noexcept {
  return text.substr(0, begin.size()) == begin;
}

std::string Demangled(const char* symbol) {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> name(
      abi::__cxa_demangle(symbol, nullptr, nullptr, &status), std::free);
  return status == 0 ? name.get() : symbol;
}

}  // namespace

std::string WithoutFrame(std::string name) {
  const auto frame = name.rfind(".Frame*)");
  const auto symbol = name.rfind("::_Z", frame);
  if (frame == std::string::npos || symbol == std::string::npos) return name;
  // Back to the bracket that opens the argument, which names the coroutine.
  std::size_t depth = 0;
  for (std::size_t i = frame + std::strlen(".Frame*)"); i-- != 0;) {
    if (name[i] == ')') ++depth;
    if (name[i] != '(' || --depth != 0) continue;
    return i < symbol ? name.substr(i + 1, symbol - i - 1) : name;
  }
  return name;
}

std::string FunctionName(const char* symbol) {
  std::string name = Demangled(symbol);
  // clang has no more than the clone to tell a coroutine's body by.
  bool coroutine = name.find(".Frame*)") != std::string::npos;
  if (const auto clone = name.find(" [clone "); clone != std::string::npos) {
    for (const char* body : {".resume", ".destroy", ".cleanup"}) {
      if (name.find(body, clone) != std::string::npos) coroutine = true;
    }
    name.resize(clone);
  }
  name = WithoutFrame(std::move(name));
  return coroutine ? name + " (coroutine)" : name;
}

std::string CallName(const char* symbol) {
  std::string_view name = symbol;
  if (BeginsWith(name, "__isoc99_")) name.remove_prefix(9);
  if (BeginsWith(name, "__")) name.remove_prefix(2);
  if (EndsWith(name, "_chk")) name.remove_suffix(4);
  if (EndsWith(name, "_2")) name.remove_suffix(2);
  if (EndsWith(name, "64")) name.remove_suffix(2);
  return std::string(name);
}

}  // namespace eddy::internal::guard

#ifdef EDDY_HAVE_LIBDW

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <unistd.h>

#endif

namespace eddy::internal::guard {
namespace {

std::string_view BaseName(std::string_view path) noexcept {
  const auto slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

bool IsLibraryName(std::string_view function,
                   std::string_view module) noexcept {
  for (const char* name : {"libc.so", "libstdc++.so", "libc++.so",
                           "libpthread.so", "libgcc_s.so", "ld-linux"}) {
    if (BeginsWith(module, name)) return true;
  }
  for (const char* name : {"std::", "__gnu_cxx::", "__gthread", "__cxa_"}) {
    // A template's name may begin with its result: "void std::this_thread...".
    const auto at = function.substr(0, function.find('(')).find(name);
    if (at == 0 || (at != std::string_view::npos && function[at - 1] == ' ')) {
      return true;
    }
  }
  return false;
}

std::string InModule(std::string_view module, std::uintptr_t offset) {
  char text[32];
  std::snprintf(text, sizeof text, "+0x%lx",
                static_cast<unsigned long>(offset));
  return std::string(module) + text;
}

// What the loader knows: only functions that are exported have names.
Frame FrameOf(std::uintptr_t address) {
  Dl_info info{};
  dladdr(reinterpret_cast<void*>(address), &info);
  Frame frame{};
  std::string_view module;
  if (info.dli_fname != nullptr) {
    module = BaseName(info.dli_fname);
    frame.where = InModule(
        module, address - reinterpret_cast<std::uintptr_t>(info.dli_fbase));
  }
  if (info.dli_sname != nullptr) frame.function = FunctionName(info.dli_sname);
  frame.of_library = IsLibraryName(frame.function, module);
  return frame;
}

#ifdef EDDY_HAVE_LIBDW

// Separate debug information is found by its build id; nobody is asked for it
// over the network.
int FindDebugInfo(Dwfl_Module* module, void** data, const char* name,
                  GElf_Addr base, const char* file, const char* link,
                  GElf_Word checksum, char** found) {
  static_cast<void>(link);
  static_cast<void>(checksum);
  static_cast<void>(file);
  return dwfl_build_id_find_debuginfo(module, data, name, base, nullptr,
                                      nullptr, 0, found);
}

constinit Dwfl_Callbacks callbacks = {dwfl_linux_proc_find_elf, FindDebugInfo,
                                      nullptr, nullptr};
constinit Dwfl* dwfl = nullptr;

bool Load() {
  if (dwfl != nullptr) dwfl_end(dwfl);
  dwfl = dwfl_begin(&callbacks);
  if (dwfl == nullptr) return false;
  if (dwfl_linux_proc_report(dwfl, getpid()) == 0 &&
      dwfl_report_end(dwfl, nullptr, nullptr) == 0) {
    return true;
  }
  dwfl_end(dwfl);
  dwfl = nullptr;
  return false;
}

// A library may have been loaded since.
Dwfl_Module* ModuleOf(std::uintptr_t address) {
  Dwfl_Module* module =
      dwfl == nullptr ? nullptr : dwfl_addrmodule(dwfl, address);
  if (module != nullptr || !Load()) return module;
  return dwfl_addrmodule(dwfl, address);
}

std::string NameOf(Dwarf_Die& die) {
  for (const unsigned name : {DW_AT_linkage_name, DW_AT_MIPS_linkage_name}) {
    Dwarf_Attribute attribute;
    const char* text =
        dwarf_formstring(dwarf_attr_integrate(&die, name, &attribute));
    if (text != nullptr) return FunctionName(text);
  }
  const char* text = dwarf_diename(&die);
  return text != nullptr ? text : "";
}

std::string Line(const char* file, int line) {
  return file == nullptr ? std::string()
                         : std::string(file) + ":" + std::to_string(line);
}

// The line of the call that the compiler has inlined `die` for.
std::string CallLine(Dwarf_Die& unit, Dwarf_Die& die) {
  Dwarf_Attribute attribute;
  Dwarf_Word file = 0;
  Dwarf_Word line = 0;
  Dwarf_Files* files = nullptr;
  std::size_t count = 0;
  if (dwarf_formudata(dwarf_attr(&die, DW_AT_call_file, &attribute), &file) !=
          0 ||
      dwarf_formudata(dwarf_attr(&die, DW_AT_call_line, &attribute), &line) !=
          0 ||
      dwarf_getsrcfiles(&unit, &files, &count) != 0 || file >= count) {
    return "";
  }
  return Line(dwarf_filesrc(files, file, nullptr, nullptr),
              static_cast<int>(line));
}

// The scopes around an address, from the inside out; each inlined function
// stands within the one that calls it.
std::vector<Dwarf_Die> ScopesAt(Dwfl_Module* module, Dwarf_Die& unit,
                                std::uintptr_t address, Dwarf_Addr bias) {
  std::vector<Dwarf_Die> result;
  Dwarf_Die* scopes = nullptr;
  if (dwarf_getscopes(&unit, address - bias, &scopes) <= 0) return result;
  Dwarf_Die innermost;
  const bool found =
      dwarf_offdie(dwfl_module_getdwarf(module, &bias),
                   dwarf_dieoffset(&scopes[0]), &innermost) != nullptr;
  std::free(scopes);
  scopes = nullptr;
  const int count = found ? dwarf_getscopes_die(&innermost, &scopes) : 0;
  if (count > 0) result.assign(scopes, scopes + count);
  std::free(scopes);
  return result;
}

void AddFrames(std::uintptr_t address, std::vector<Frame>& frames) {
  Dwfl_Module* module = ModuleOf(address);
  if (module == nullptr) {
    frames.push_back(FrameOf(address));
    return;
  }
  const char* path = dwfl_module_info(module, nullptr, nullptr, nullptr,
                                      nullptr, nullptr, nullptr, nullptr);
  const std::string_view file = path != nullptr ? BaseName(path) : "";
  std::string where;
  if (Dwfl_Line* line = dwfl_module_getsrc(module, address)) {
    int number = 0;
    const char* source =
        dwfl_lineinfo(line, nullptr, &number, nullptr, nullptr, nullptr);
    where = Line(source, number);
  }
  const auto add = [&](std::string function) {
    const bool of_library = IsLibraryName(function, file);
    frames.push_back({std::move(function), where, of_library});
  };
  Dwarf_Addr bias = 0;
  if (Dwarf_Die* unit = dwfl_module_addrdie(module, address, &bias)) {
    for (Dwarf_Die& die : ScopesAt(module, *unit, address, bias)) {
      const int tag = dwarf_tag(&die);
      if (tag == DW_TAG_inlined_subroutine) {
        add(NameOf(die));
        where = CallLine(*unit, die);
      } else if (tag == DW_TAG_subprogram) {
        break;
      }
    }
  }
  const char* symbol = dwfl_module_addrname(module, address);
  if (where.empty()) where = FrameOf(address).where;
  add(symbol != nullptr ? FunctionName(symbol) : "");
}

#else

void AddFrames(std::uintptr_t address, std::vector<Frame>& frames) {
  frames.push_back(FrameOf(address));
}

#endif

}  // namespace

std::vector<Frame> Symbolize(const Stack& stack) {
  std::vector<Frame> frames;
  for (std::size_t i = 0; i < stack.count; ++i) {
    AddFrames(stack.frames[i], frames);
  }
  return frames;
}

void ForgetSymbols() noexcept {
#ifdef EDDY_HAVE_LIBDW
  dwfl = nullptr;
#endif
}

}  // namespace eddy::internal::guard
