// Chat, Member: who is in which room, and who hears what.
//
// Nothing here waits, and nothing here knows who calls it: the server of
// threads (examples/chat_server_threads) uses this file as it is, under a
// mutex.
#ifndef EDDY_EXAMPLES_CHAT_SERVER_CHAT_H_
#define EDDY_EXAMPLES_CHAT_SERVER_CHAT_H_

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>

namespace chat_server {

// With its end of line. A room's members share one.
using Line = std::shared_ptr<const std::string>;

class Member;

class Chat {
 public:
  // What a client wrote, without its end of line. False: it wants to go.
  bool Handle(Member& member, std::string_view line);

  // It is in no room any more, and its name is free, also where an exception
  // comes out of it: then not all were told.
  void Remove(Member& member);

 private:
  void Rename(Member& member, std::string_view name);
  void Join(Member& member, std::string_view room);
  // `name` is the one by which the others know it.
  void Leave(Member& member, std::string_view name);
  void Say(Member& member, std::string_view text);
  void Who(Member& member);
  void TellOthers(const Member& member, std::string_view text);
  using Room = std::set<Member*>;
  static void TellAll(const Room& room, const Member& but,
                      std::string_view text);

  std::map<std::string, Member*, std::less<>> names_;
  // Those that have members.
  std::map<std::string, Room, std::less<>> rooms_;
};

class Member {
 public:
  Member() = default;
  Member(const Member&) = delete;
  Member& operator=(const Member&) = delete;

  // Never waits; who cannot keep up is thrown out.
  virtual void Tell(Line line) = 0;
  void Tell(std::string_view text);

 protected:
  ~Member() = default;

 private:
  friend class Chat;

  std::string name_;
  std::string room_;
};

}  // namespace chat_server

#endif  // EDDY_EXAMPLES_CHAT_SERVER_CHAT_H_
