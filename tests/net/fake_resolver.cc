#include "tests/net/fake_resolver.h"

#include <dlfcn.h>
#include <netdb.h>

#include <cerrno>
#include <condition_variable>
#include <map>
#include <mutex>

namespace eddy::net_test {
namespace {

using GetAddrInfo = int (*)(const char*, const char*, const addrinfo*,
                            addrinfo**);

struct Entry {
  std::vector<std::string> addresses;
  int code = 0;
  int error = 0;
  std::shared_ptr<test::Gate> gate;
};

// Threads of the pool look here, also when the test has gone on.
std::mutex mutex;
bool active = false;
int calls_so_far = 0;
// Calls that have not returned.
int calls_now = 0;
std::condition_variable returned;
std::map<std::string, Entry> entries;

// What libc has.
int Real(const char* host, const char* service, const addrinfo* hints,
         addrinfo** found) {
  static const auto real =
      reinterpret_cast<GetAddrInfo>(dlsym(RTLD_NEXT, "getaddrinfo"));
  return real(host, service, hints, found);
}

int Answer(const Entry& entry, const char* service, addrinfo hints,
           addrinfo** found) {
  if (entry.code != 0) {
    errno = entry.error;
    return entry.code;
  }
  hints.ai_flags |= AI_NUMERICHOST;
  addrinfo** end = found;
  *end = nullptr;
  for (const std::string& address : entry.addresses) {
    // Those of the other family are not wanted.
    if (Real(address.c_str(), service, &hints, end) == 0) {
      end = &(*end)->ai_next;
    }
  }
  return *found != nullptr ? 0 : EAI_NODATA;
}

int Find(const char* host, const char* service, const addrinfo& hints,
         addrinfo** found) {
  Entry entry;
  {
    const std::lock_guard lock(mutex);
    const auto known = entries.find(host);
    if (known == entries.end()) return EAI_NONAME;
    entry = known->second;
  }
  if (entry.gate != nullptr) entry.gate->Pass();
  return Answer(entry, service, hints, found);
}

}  // namespace

FakeResolver::FakeResolver() {
  const std::lock_guard lock(mutex);
  active = true;
  calls_so_far = 0;
  entries.clear();
}

FakeResolver::~FakeResolver() {
  std::unique_lock lock(mutex);
  returned.wait(lock, [] { return calls_now == 0; });
  active = false;
}

void FakeResolver::Knows(const std::string& name,
                         std::vector<std::string> addresses) {
  const std::lock_guard lock(mutex);
  entries[name].addresses = std::move(addresses);
}

void FakeResolver::Fails(const std::string& name, int code, int error) {
  const std::lock_guard lock(mutex);
  entries[name].code = code;
  entries[name].error = error;
}

void FakeResolver::Holds(const std::string& name,
                         std::shared_ptr<test::Gate> gate) {
  const std::lock_guard lock(mutex);
  entries[name].gate = std::move(gate);
}

int FakeResolver::calls() const {
  const std::lock_guard lock(mutex);
  return calls_so_far;
}

}  // namespace eddy::net_test

// In libc's place.
extern "C" int getaddrinfo(const char* host, const char* service,
                           const addrinfo* hints, addrinfo** found) {
  using namespace eddy::net_test;  // NOLINT: what belongs to this function
  {
    const std::lock_guard lock(mutex);
    if (!active) {
      return Real(host, service, hints, found);
    }
    ++calls_so_far;
    ++calls_now;
  }
  const int code = Find(host, service, *hints, found);
  const int error = errno;
  {
    const std::lock_guard lock(mutex);
    --calls_now;
  }
  returned.notify_all();
  errno = error;
  return code;
}
