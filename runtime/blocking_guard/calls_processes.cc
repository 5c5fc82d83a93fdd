// Child processes, and questions to name services.

#include <eddy/runtime/blocking_guard/real_function.h>
#include <eddy/runtime/blocking_guard/watch.h>

#include <arpa/inet.h>
#include <grp.h>
#include <netdb.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include <cstdarg>
#include <cstddef>
#include <cstring>

namespace eddy::internal::guard {
namespace {

constexpr char kWait[] = "co_await io::Process::Wait";
constexpr char kProcess[] = "co_await io::Process::Wait, its streams";
constexpr char kResolve[] = "co_await net::Resolve";
constexpr char kBlocking[] = "co_await Blocking([] { ... })";

bool IsAddress(const char* host) noexcept {
  const KeepErrno keep_errno;
  in6_addr address;
  return host == nullptr || inet_pton(AF_INET, host, &address) == 1 ||
         inet_pton(AF_INET6, host, &address) == 1;
}

bool IsNumber(const char* service) noexcept {
  return service == nullptr ||
         service[std::strspn(service, "0123456789")] == '\0';
}

}  // namespace

// What is a number needs no answer from anybody.
EDDY_INTERPOSE(int, getaddrinfo,
               (const char* host, const char* service, const addrinfo* hints,
                addrinfo** found)) {
  const bool asks = Watching() && !(IsAddress(host) && IsNumber(service));
  const Watch watch("getaddrinfo", kResolve,
                    asks ? Argument::Text(host != nullptr ? host : service)
                         : Argument::If(false));
  return REAL(getaddrinfo)(host, service, hints, found);
}

EDDY_INTERPOSE(int, getnameinfo,
               (const sockaddr* address, socklen_t length, char* host,
                socklen_t host_room, char* service, socklen_t service_room,
                int flags)) {
  const bool asks = (host != nullptr && (flags & NI_NUMERICHOST) == 0) ||
                    (service != nullptr && (flags & NI_NUMERICSERV) == 0);
  const Watch watch("getnameinfo", kBlocking, Argument::If(asks));
  return REAL(getnameinfo)(address, length, host, host_room, service,
                           service_room, flags);
}

// clang-format off
EDDY_GUARD(hostent*, gethostbyname, (const char* host), (host), Text(host), kResolve)
EDDY_GUARD(hostent*, gethostbyname2, (const char* host, int family), (host, family), Text(host), kResolve)
EDDY_GUARD(int, gethostbyname_r, (const char* host, hostent* entry, char* room, std::size_t size, hostent** result, int* error), (host, entry, room, size, result, error), Text(host), kResolve)
EDDY_GUARD(int, gethostbyname2_r, (const char* host, int family, hostent* entry, char* room, std::size_t size, hostent** result, int* error), (host, family, entry, room, size, result, error), Text(host), kResolve)
EDDY_GUARD(hostent*, gethostbyaddr, (const void* address, socklen_t length, int family), (address, length, family), None(), kBlocking)
EDDY_GUARD(int, gethostbyaddr_r, (const void* address, socklen_t length, int family, hostent* entry, char* room, std::size_t size, hostent** result, int* error), (address, length, family, entry, room, size, result, error), None(), kBlocking)
EDDY_GUARD(servent*, getservbyname, (const char* name, const char* protocol), (name, protocol), Text(name), kBlocking)
EDDY_GUARD(passwd*, getpwnam, (const char* name), (name), Text(name), kBlocking)
EDDY_GUARD(int, getpwnam_r, (const char* name, passwd* entry, char* room, std::size_t size, passwd** result), (name, entry, room, size, result), Text(name), kBlocking)
EDDY_GUARD(passwd*, getpwuid, (uid_t user), (user), None(), kBlocking)
EDDY_GUARD(int, getpwuid_r, (uid_t user, passwd* entry, char* room, std::size_t size, passwd** result), (user, entry, room, size, result), None(), kBlocking)
EDDY_GUARD(group*, getgrnam, (const char* name), (name), Text(name), kBlocking)
EDDY_GUARD(int, getgrnam_r, (const char* name, group* entry, char* room, std::size_t size, group** result), (name, entry, room, size, result), Text(name), kBlocking)
EDDY_GUARD(group*, getgrgid, (gid_t id), (id), None(), kBlocking)
EDDY_GUARD(int, getgrgid_r, (gid_t id, group* entry, char* room, std::size_t size, group** result), (id, entry, room, size, result), None(), kBlocking)
EDDY_GUARD(int, initgroups, (const char* user, gid_t id), (user, id), Text(user), kBlocking)

EDDY_GUARD(pid_t, wait, (int* status), (status), None(), kWait)
EDDY_GUARD(pid_t, wait3, (int* status, int flags, rusage* usage), (status, flags, usage), If((flags & WNOHANG) == 0), kWait)
EDDY_GUARD(pid_t, wait4, (pid_t pid, int* status, int flags, rusage* usage), (pid, status, flags, usage), If((flags & WNOHANG) == 0), kWait)
EDDY_GUARD(pid_t, waitpid, (pid_t pid, int* status, int flags), (pid, status, flags), If((flags & WNOHANG) == 0), kWait)
EDDY_GUARD(int, waitid, (idtype_t type, id_t id, siginfo_t* info, int flags), (type, id, info, flags), If((flags & WNOHANG) == 0), kWait)
EDDY_GUARD(int, system, (const char* command), (command), Text(command), kProcess)
EDDY_GUARD(FILE*, popen, (const char* command, const char* mode), (command, mode), Text(command), kProcess)
EDDY_GUARD(int, pclose, (FILE* file), (file), None(), kProcess)

EDDY_GUARD(void, vsyslog, (int priority, const char* format, va_list list), (priority, format, list), None(), kBlocking)
// clang-format on

EDDY_REAL(void, __vsyslog_chk, (int, int, const char*, va_list));

EDDY_INTERPOSE(void, syslog, (int priority, const char* format, ...)) {
  const Watch watch("syslog", kBlocking, Argument::None());
  va_list list;
  va_start(list, format);
  REAL(vsyslog)(priority, format, list);
  va_end(list);
}

EDDY_INTERPOSE(void, __syslog_chk,
               (int priority, int flag, const char* format, ...)) {
  const Watch watch("syslog", kBlocking, Argument::None());
  va_list list;
  va_start(list, format);
  REAL(__vsyslog_chk)(priority, flag, format, list);
  va_end(list);
}

}  // namespace eddy::internal::guard
